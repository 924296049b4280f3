package middleware

import (
	"net/http"
	"strconv"
	"time"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/problem"
	"github.com/a64core/hub/internal/ratelimit"
	"github.com/a64core/hub/internal/telemetry"
)

// limit refuses who asks too often: a user by the role in the token, everybody else as a guest by address, an IPv6 address
// by its /64, which is one customer's. It looks at headers only, so that a refusal costs neither parsing nor hashing. System
// routes are not limited. When the limiter fails, the request is refused: no failure lifts the limits.
func limit(o Options) func(http.Handler) http.Handler {
	guests := o.GuestLimiter
	if guests == nil {
		guests = o.Limiter
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !isVersioned(r) {
				next.ServeHTTP(w, r)
				return
			}
			var role hub.Role
			var key string
			limiter := o.Limiter
			if userID, named, ok := o.Identify(r); ok && named >= hub.RoleGuest {
				role, key = named, "user:"+userID
				telemetry.FactsFrom(r.Context()).UserID = userID
			} else {
				limiter, role, key = guests, hub.RoleGuest, "address:"+hub.OriginFrom(r.Context()).Network()
			}
			d, err := limiter.Take(r.Context(), key, o.Limits[role], o.Now())
			if err != nil {
				problem.Write(w, r, err)
				return
			}
			if d.Limit > 0 {
				setLimitHeaders(w.Header(), role, d)
			}
			if !d.Allowed {
				if o.Meter != nil {
					o.Meter.Limited(role)
				}
				problem.Write(w, r, hub.NewError(hub.CodeRateLimitExceeded).After(d.RetryAfter))
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

// setLimitHeaders tells the limit, what is left of it, and after how many seconds some of it comes back:
// draft-ietf-httpapi-ratelimit-headers, and the older names that clients know.
func setLimitHeaders(h http.Header, role hub.Role, d ratelimit.Decision) {
	limit, remaining := strconv.Itoa(d.Limit), strconv.Itoa(d.Remaining)
	reset := "0"
	if d.Reset > 0 {
		reset = strconv.FormatInt(problem.Seconds(d.Reset), 10)
	}
	name := `"` + role.String() + `"`
	h["Ratelimit-Policy"] = []string{name + ";q=" + limit + ";w=" + strconv.Itoa(int(ratelimit.Window/time.Second))}
	h["Ratelimit"] = []string{name + ";r=" + remaining + ";t=" + reset}
	h["X-Ratelimit-Limit"] = []string{limit}
	h["X-Ratelimit-Remaining"] = []string{remaining}
	h["X-Ratelimit-Reset"] = []string{reset}
}
