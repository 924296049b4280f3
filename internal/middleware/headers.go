package middleware

import (
	"net/http"
	"strings"

	"github.com/a64core/hub/internal/problem"
)

// hsts keeps browsers on https for two years (OWASP ASVS 3.4.1 asks for one at least).
const hsts = "max-age=63072000; includeSubDomains"

// headers sets what every answer carries (OWASP ASVS 3.4, OWASP REST Security Cheat Sheet). The documentation pages, which
// need to load something, set a policy of their own over it.
func headers(tls bool) func(http.Handler) http.Handler {
	fixed := map[string][]string{
		"Content-Security-Policy":      {"default-src 'none'; frame-ancestors 'none'"},
		"Cross-Origin-Resource-Policy": {"same-origin"},
		"Permissions-Policy":           {"camera=(), geolocation=(), microphone=()"},
		"Referrer-Policy":              {"no-referrer"},
		"X-Content-Type-Options":       {"nosniff"},
		"X-Frame-Options":              {"DENY"},
	}
	if tls {
		fixed["Strict-Transport-Security"] = []string{hsts}
	}
	noStore := []string{"no-store"}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			h := w.Header()
			for name, value := range fixed {
				h[name] = value
			}
			if isVersioned(r) {
				h["Cache-Control"] = noStore
			}
			next.ServeHTTP(w, r)
		})
	}
}

// isVersioned reports whether the request is for the API proper, be there an operation or not.
func isVersioned(r *http.Request) bool {
	path := r.URL.Path
	return strings.HasPrefix(path, prefix) && (len(path) == len(prefix) || path[len(prefix)] == '/')
}

// methods refuses methods that nothing here serves, TRACE above all, which would echo a request with its token.
func methods(next http.Handler) http.Handler {
	served := []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPatch, http.MethodDelete, http.MethodOptions}
	refuse := problem.MethodNotAllowed(served)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.Method {
		case http.MethodGet, http.MethodPost, http.MethodPatch, http.MethodDelete, http.MethodHead, http.MethodOptions, http.MethodPut:
			next.ServeHTTP(w, r)
		default:
			refuse.ServeHTTP(w, r)
		}
	})
}
