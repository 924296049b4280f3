package middleware

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/a64core/hub"
)

func proxies() []netip.Prefix {
	return []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8:ffff::/48")}
}

func TestR19_ClientAddressIsTheLastOneThatCanBeVouchedFor(t *testing.T) { // RTL-06, RTL-08
	t.Parallel()
	tests := []struct {
		name, peer string
		forwarded  []string
		want       string
	}{
		{"stranger", "192.0.2.1:1234", nil, "192.0.2.1"},
		{"stranger who claims to forward", "192.0.2.1:1234", []string{"198.51.100.7"}, "192.0.2.1"},
		{"stranger of IPv6", "[2001:db8::1]:9", []string{"198.51.100.7"}, "2001:db8::1"},
		{"IPv4 written as IPv6", "[::ffff:192.0.2.1]:9", nil, "192.0.2.1"},
		{"with a zone", "[fe80::1%eth0]:9", nil, "fe80::1"},
		{"proxy without the header", "10.0.0.1:1", nil, "10.0.0.1"},
		{"proxy with an empty header", "10.0.0.1:1", []string{""}, "10.0.0.1"},
		{"one hop", "10.0.0.1:1", []string{"198.51.100.7"}, "198.51.100.7"},
		{"proxy written as IPv6", "[::ffff:10.0.0.1]:1", []string{"198.51.100.7"}, "198.51.100.7"},
		{"hops further left were written by strangers", "10.0.0.1:1", []string{"1.1.1.1, 198.51.100.7"}, "198.51.100.7"},
		{"trusted hops are passed", "10.0.0.1:1", []string{"1.1.1.1, 198.51.100.7, 10.9.9.9,\t2001:db8:ffff::2"}, "198.51.100.7"},
		{"lines are one list", "10.0.0.1:1", []string{"1.1.1.1", "198.51.100.7,10.9.9.9", "10.8.8.8"}, "198.51.100.7"},
		{"all trusted", "10.0.0.1:1", []string{"10.0.0.3, 10.0.0.2"}, "10.0.0.3"},
		{"port", "10.0.0.1:1", []string{"1.2.3.4:5678"}, "1.2.3.4"},
		{"brackets and port", "10.0.0.1:1", []string{"[2001:db8::1]:9"}, "2001:db8::1"},
		{"brackets", "10.0.0.1:1", []string{"[2001:db8::1]"}, "2001:db8::1"},
		{"unknown", "10.0.0.1:1", []string{"unknown"}, "10.0.0.1"},
		{"unknown behind a trusted hop", "10.0.0.1:1", []string{"1.1.1.1, unknown, 10.0.0.2"}, "10.0.0.2"},
		{"injection", "10.0.0.1:1", []string{"'; DROP TABLE users; --"}, "10.0.0.1"},
		{"nothing between commas", "10.0.0.1:1", []string{"198.51.100.7,"}, "10.0.0.1"},
		{"10,000 strangers", "10.0.0.1:1", []string{strings.Repeat("1.1.1.1,", 9999) + "198.51.100.7"}, "198.51.100.7"},
		{"10,000 trusted hops", "10.0.0.1:1", []string{"198.51.100.7" + strings.Repeat(",10.0.0.2", 10_000)}, "10.0.0.2"},
		{"as many hops as are looked at", "10.0.0.1:1", []string{"198.51.100.7" + strings.Repeat(",10.0.0.2", maxHops-1)}, "198.51.100.7"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := clientAddress(tt.peer, tt.forwarded, proxies()).String(); got != tt.want {
				t.Errorf("clientAddress = %s, want %s", got, tt.want)
			}
		})
	}
}

// FuzzClientAddress proves that a stranger is who the connection says, and that behind a proxy the answer is an address that
// stands in the header or is the proxy's own.
func FuzzClientAddress(f *testing.F) {
	for _, header := range []string{
		"", "unknown", "1.2.3.4:5678", "[2001:db8::1]:9", "'; DROP", "1.1.1.1, 198.51.100.7, 10.9.9.9", "fe80::1%eth0", "[::ffff:1.2.3.4]",
		strings.Repeat("10.0.0.2,", 100), ",", " , ,", "10.0.0.2,\x00", "[[::1]]", "1.2.3.4:99999",
	} {
		f.Add(header, "10.0.0.3")
	}
	f.Fuzz(func(t *testing.T, first, second string) {
		forwarded := []string{first, second}
		if got := clientAddress("192.0.2.1:1234", forwarded, proxies()); got != netip.MustParseAddr("192.0.2.1") {
			t.Fatalf("a header made the stranger 192.0.2.1 into %s", got)
		}
		got := clientAddress("10.0.0.1:1", forwarded, proxies())
		if !got.IsValid() || got.Is4In6() || got.Zone() != "" {
			t.Fatalf("%q gave %s, which is no plain address", forwarded, got)
		}
		if got == netip.MustParseAddr("10.0.0.1") {
			return
		}
		var hops []string
		for _, line := range forwarded {
			for hop := range strings.SplitSeq(line, ",") {
				if address, ok := parseHop(strings.Trim(hop, " \t")); ok {
					hops = append(hops, address.String())
				}
			}
		}
		if !strings.Contains(strings.Join(hops, " ")+" ", got.String()+" ") {
			t.Fatalf("%q gave %s, which stands nowhere in it", forwarded, got)
		}
		if last, ok := parseHop(strings.Trim(second[strings.LastIndexByte(second, ',')+1:], " \t")); ok && !isTrusted(last, proxies()) && got != last {
			t.Fatalf("%q gave %s and not the right-most untrusted hop %s", forwarded, got, last)
		}
	})
}

func TestHTT18_RequestIDIsKeptIfHarmless(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		ids  []string
		kept bool
	}{
		{"none", nil, false},
		{"empty", []string{""}, false},
		{"uuid", []string{"01890a5d-ac96-774b-bcce-b302099a8057"}, true},
		{"all that is allowed", []string{"aZ0-_."}, true},
		{"longest", []string{strings.Repeat("a", 64)}, true},
		{"too long", []string{strings.Repeat("a", 65)}, false},
		{"10 KiB", []string{strings.Repeat("a", 10<<10)}, false},
		{"line break", []string{"a\r\nSet-Cookie: x=1"}, false},
		{"markup", []string{"<script>"}, false},
		{"not ASCII", []string{"é"}, false},
		{"space", []string{"a b"}, false},
		{"two", []string{"a", "b"}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := requestID(http.Header{"X-Request-Id": tt.ids})
			if kept := len(tt.ids) == 1 && got == tt.ids[0]; kept != tt.kept || len(got) == 0 || len(got) > 64 {
				t.Errorf("requestID = %q, kept: %v, want %v", got, kept, tt.kept)
			}
		})
	}
	if first, second := requestID(nil), requestID(nil); first == second {
		t.Error("two requests got one id")
	}
}

func TestUserAgentFitsAndIsHarmless(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, text, want string }{
		{"none", "", ""},
		{"plain", "curl/8.0", "curl/8.0"},
		{"controls", "a\x00b\x1bc\r\nd\u0085e\x7f", "abcde"},
		{"bytes that are no UTF-8", "a\xff\xfeb\xc3", "ab"},
		{"cut", strings.Repeat("a", 300), strings.Repeat("a", 255)},
		{"cut before a letter that does not fit whole", "a" + strings.Repeat("é", 200), "a" + strings.Repeat("é", 127)},
		{"cut before an emoji that does not fit whole", strings.Repeat("😀", 100), strings.Repeat("😀", 63)},
		{"huge", strings.Repeat("\x01", 1<<20) + "a", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, userAgent(tt.text)); diff != "" {
				t.Errorf("userAgent (-want +got):\n%s", diff)
			}
		})
	}
}

func FuzzUserAgent(f *testing.F) {
	for _, text := range []string{"", "curl/8.0", "a\x00\r\n", strings.Repeat("😀", 100), strings.Repeat("\xff", 2000), strings.Repeat("a", 254) + "é"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := userAgent(text)
		if len(got) > maxUserAgent || !utf8.ValidString(got) || strings.ContainsFunc(got, unicode.IsControl) {
			t.Fatalf("userAgent(%q) = %q", text, got)
		}
		if again := userAgent(got); again != got {
			t.Fatalf("a second time %q becomes %q", got, again)
		}
	})
}

func FuzzRequestID(f *testing.F) {
	for _, id := range []string{"", "a", "a\r\nb", strings.Repeat("a", 65), "é"} {
		f.Add(id)
	}
	f.Fuzz(func(t *testing.T, id string) {
		got := requestID(http.Header{"X-Request-Id": {id}})
		if got == "" || len(got) > maxRequestID || strings.Trim(got, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") != "" {
			t.Fatalf("requestID(%q) = %q", id, got)
		}
	})
}

func TestOriginIsInTheContextAndOnTheAnswer(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.RemoteAddr = "10.0.0.1:1234"
	r.Header.Set("X-Forwarded-For", "198.51.100.7")
	r.Header.Set("X-Request-Id", "given")
	r.Header.Set("User-Agent", "curl/8.0\x1b[2J")
	for _, other := range []string{"X-Real-Ip", "Forwarded", "True-Client-Ip", "Cf-Connecting-Ip", "X-Client-Ip"} {
		r.Header.Set(other, "203.0.113.9")
	}
	var got hub.Origin
	w := httptest.NewRecorder()
	o := options()
	o.TrustedProxies = proxies()
	begin(o)(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		got = hub.OriginFrom(r.Context())
	})).ServeHTTP(w, r)
	want := hub.Origin{IP: "198.51.100.7", UserAgent: "curl/8.0[2J", RequestID: "given"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("origin (-want +got):\n%s", diff)
	}
	if id := w.Header().Get("X-Request-Id"); id != "given" {
		t.Errorf("the answer is called %q", id)
	}
}

func TestAPeerThatCannotBeReadHasNoAddress(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.RemoteAddr = "@"
	r.Header.Set("X-Forwarded-For", "198.51.100.7")
	o := options()
	o.TrustedProxies = proxies()
	begin(o)(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if ip := hub.OriginFrom(r.Context()).IP; ip != "" {
			t.Errorf("its address is %q", ip)
		}
	})).ServeHTTP(httptest.NewRecorder(), r)
}
