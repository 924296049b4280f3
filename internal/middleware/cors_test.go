package middleware

import (
	"net/http"
	"strings"
	"testing"

	"github.com/a64core/hub"
)

func TestR27_CORSAllowsTheListedOriginsOnly(t *testing.T) { // HDR-01, HDR-03
	t.Parallel()
	listed := []string{"https://app.example.com", "http://localhost:3000"}
	tests := []struct {
		name           string
		allowed        []string
		origin         string
		want, withCred bool
	}{
		{"listed", listed, "https://app.example.com", true, true},
		{"listed with a port", listed, "http://localhost:3000", true, true},
		{"foreign", listed, "https://evil.example", false, false},
		{"null", listed, "null", false, false},
		{"longer", listed, "https://app.example.com.evil.example", false, false},
		{"below", listed, "https://x.app.example.com", false, false},
		{"other scheme", listed, "http://app.example.com", false, false},
		{"other port", listed, "https://app.example.com:8443", false, false},
		{"other case", listed, "https://APP.example.com", false, false},
		{"a star inside is no pattern", []string{"https://*.example.com"}, "https://evil.example.com", false, false},
		{"none listed", nil, "https://evil.example", false, false},
		{"all", []string{"*"}, "https://anybody.example", true, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			o := options()
			o.AllowedOrigins = tt.allowed
			h := Chain(o, http.HandlerFunc(ok))
			for _, method := range []string{"GET", "DELETE", "PATCH"} {
				for _, a := range []*http.Response{
					ask(h, method, "/api/v1/x", "Origin", tt.origin),
					ask(h, "OPTIONS", "/api/v1/x", "Origin", tt.origin, "Access-Control-Request-Method", method, "Access-Control-Request-Headers", "authorization"),
				} {
					origin := a.Header.Get("Access-Control-Allow-Origin")
					if got := origin == tt.origin || (!tt.withCred && origin == "*"); got != tt.want || (!tt.want && origin != "") {
						t.Errorf("%s: allowed origin %q, want it: %v", method, origin, tt.want)
					}
					if got := a.Header.Get("Access-Control-Allow-Credentials") == "true"; got != tt.withCred {
						t.Errorf("%s: credentials %v, want %v", method, got, tt.withCred)
					}
					if origin != "*" && !strings.Contains(strings.Join(a.Header["Vary"], ","), "Origin") {
						t.Errorf("%s: Vary %q lacks Origin", method, a.Header["Vary"])
					}
				}
			}
		})
	}
}

// A page that makes traces itself sends their headers with every request.
func TestPreflightGrantsWhatPagesSend(t *testing.T) {
	t.Parallel()
	a := ask(Chain(options(), http.HandlerFunc(ok)), "OPTIONS", "/api/v1/x", "Origin", "https://app.example.com",
		"Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "authorization,content-type,traceparent,tracestate,x-request-id")
	if a.Header.Get("Access-Control-Allow-Methods") != "POST" {
		t.Errorf("%d, %v", a.StatusCode, a.Header)
	}
}

func TestPreflightGrantsNoMoreThanThereIs(t *testing.T) { // HDR-03
	t.Parallel()
	o := options()
	o.Limits = map[hub.Role]int{hub.RoleGuest: 1}
	h := Chain(o, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a preflight reached the operations") }))
	for _, asked := range [][2]string{{"TRACE", "authorization"}, {"PUT", "authorization"}, {"GET", "x-evil"}} {
		a := ask(h, "OPTIONS", "/api/v1/x", "Origin", "https://app.example.com",
			"Access-Control-Request-Method", asked[0], "Access-Control-Request-Headers", asked[1])
		if a.StatusCode != 204 || a.Header.Get("Access-Control-Allow-Methods") != "" {
			t.Errorf("%s with %s: %d, %v", asked[0], asked[1], a.StatusCode, a.Header)
		}
	}
}
