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
	quotas := newQuotas(o.Limits)
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
			q := &quotas[role]
			d, err := limiter.Take(r.Context(), key, q.limit, o.Now())
			if err != nil {
				problem.Write(w, r, err)
				return
			}
			if q.limit > 0 {
				q.setHeaders(w.Header(), d)
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

// quota is what a role may ask, with the headers that say so.
type quota struct {
	limit  int    // requests a minute; 0: any number
	name   string // of the limit
	policy []string
	text   []string
}

// newQuotas returns the quotas by role.
func newQuotas(limits map[hub.Role]int) (quotas [hub.RoleSuperAdmin + 1]quota) {
	for role, limit := range limits {
		name, text := `"`+role.String()+`"`, strconv.Itoa(limit)
		quotas[role] = quota{
			limit: limit, name: name, text: []string{text},
			policy: []string{name + ";q=" + text + ";w=" + strconv.Itoa(int(ratelimit.Window/time.Second))},
		}
	}
	return quotas
}

// setHeaders tells the limit, what is left of it, and after how many seconds some of it comes back:
// draft-ietf-httpapi-ratelimit-headers, and the older names that clients know.
func (q *quota) setHeaders(h http.Header, d ratelimit.Decision) {
	remaining, reset := strconv.Itoa(d.Remaining), "0"
	if d.Reset > 0 {
		reset = strconv.FormatInt(problem.Seconds(d.Reset), 10)
	}
	values := []string{q.name + ";r=" + remaining + ";t=" + reset, remaining, reset}
	h["Ratelimit-Policy"], h["Ratelimit"] = q.policy, values[0:1:1]
	h["X-Ratelimit-Limit"], h["X-Ratelimit-Remaining"], h["X-Ratelimit-Reset"] = q.text, values[1:2:2], values[2:3:3]
}
