package middleware

import (
	"net/http"
	"slices"

	"github.com/rs/cors"
)

// preflightMaxAge is how long a browser may remember the answer to a preflight, in seconds.
const preflightMaxAge = 600

// crossOrigin lets pages of the allowed origins call the API, by exact match (OWASP ASVS 3.4.2). Others get no CORS headers, and so
// their browsers keep the answer from them.
func crossOrigin(o Options) func(http.Handler) http.Handler {
	all := slices.Contains(o.AllowedOrigins, "*")
	return cors.New(cors.Options{
		// A function, because the package takes an empty list for all origins, and a star within a text for a pattern.
		AllowOriginFunc:  func(origin string) bool { return all || slices.Contains(o.AllowedOrigins, origin) },
		AllowedMethods:   []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPatch, http.MethodDelete},
		AllowedHeaders:   []string{"Authorization", "Content-Type", "Traceparent", "Tracestate", "X-Request-Id"},
		ExposedHeaders:   []string{"RateLimit", "RateLimit-Policy", "Retry-After", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset", "X-Request-Id"},
		AllowCredentials: !all,
		MaxAge:           preflightMaxAge,
	}).Handler
}
