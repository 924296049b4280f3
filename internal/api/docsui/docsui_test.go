package docsui_test

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/a64core/hub/internal/api/docsui"
)

const specURL = "/api/openapi.json"

func routes(t *testing.T) map[string]http.Handler {
	t.Helper()
	r, err := docsui.Routes(specURL)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// get answers a request as the API's middleware would have it arrive.
func get(h http.Handler, method, path, acceptEncoding string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, nil)
	if acceptEncoding != "" {
		r.Header.Set("Accept-Encoding", acceptEncoding)
	}
	w := httptest.NewRecorder()
	w.Header().Set("Content-Security-Policy", "default-src 'none'")
	h.ServeHTTP(w, r)
	return w
}

func TestPagesLoadOnlyWhatIsServedHere(t *testing.T) {
	t.Parallel()
	r := routes(t)
	reference := regexp.MustCompile(`(?:src|href|data-spec)="([^"]*)"`)
	for _, path := range []string{docsui.SwaggerUIPath, docsui.ReDocPath} {
		w := get(r[path], http.MethodGet, path, "")
		body := w.Body.String()
		references := reference.FindAllStringSubmatch(body, -1)
		if len(references) < 4 {
			t.Errorf("%s refers to %d things:\n%s", path, len(references), body)
		}
		for _, ref := range references {
			if ref[1] != specURL && ref[1] != "data:," && r[ref[1]] == nil {
				t.Errorf("%s refers to %s", path, ref[1])
			}
		}
		if strings.Contains(body, "//") {
			t.Errorf("%s names a host:\n%s", path, body)
		}
	}
}

func TestScriptsOfOursNameNoHost(t *testing.T) {
	t.Parallel()
	for path, h := range routes(t) {
		if !strings.Contains(path, "-init.") && !strings.Contains(path, "docs.") {
			continue
		}
		if body := get(h, http.MethodGet, path, "").Body.String(); strings.Contains(body, "://") || body == "" {
			t.Errorf("%s:\n%s", path, body)
		}
	}
}

// What the libraries would ask of other hosts unless told otherwise: ReDoc its maker's logo, Swagger UI a judgement on
// the document.
func TestLibrariesAskNoOtherHost(t *testing.T) {
	t.Parallel()
	found := 0
	for path, h := range routes(t) {
		body := get(h, http.MethodGet, path, "").Body.String()
		if strings.Contains(body, "cdn.redoc") || strings.Contains(body, "\n//# sourceMappingURL") {
			t.Errorf("%s refers to what is not here", path)
		}
		if strings.Contains(path, "swagger-ui-init") && strings.Contains(body, "validatorUrl: null") {
			found++
		}
		if strings.Contains(path, "redoc.standalone") && strings.Contains(body, ".nc=document.currentScript.nonce") {
			found++
		}
	}
	if found != 2 {
		t.Errorf("%d of 2 settings found", found)
	}
}

func TestHDR14_PagesHaveAStrictPolicyOfTheirOwn(t *testing.T) {
	t.Parallel()
	nonce := regexp.MustCompile(`style-src 'self' 'nonce-([A-Z2-7]{26})'$`)
	inline := regexp.MustCompile(`(?i)<style|\sstyle=|\son[a-z]+=|<script[^>]*></script>`)
	for path, h := range map[string]http.Handler{
		docsui.SwaggerUIPath: routes(t)[docsui.SwaggerUIPath],
		docsui.ReDocPath:     routes(t)[docsui.ReDocPath],
	} {
		seen := make(map[string]bool)
		for range 2 {
			w := get(h, http.MethodGet, path, "")
			csp := w.Header().Get("Content-Security-Policy")
			for _, want := range []string{
				"default-src 'none'", "script-src 'self';", "connect-src 'self';", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'",
			} {
				if !strings.Contains(csp, want) {
					t.Errorf("%s: no %q in %q", path, want, csp)
				}
			}
			if strings.Contains(csp, "unsafe") || strings.Contains(csp, "http") || strings.Contains(csp, "*") {
				t.Errorf("%s: %q", path, csp)
			}
			m := nonce.FindStringSubmatch(csp)
			if m == nil || !strings.Contains(w.Body.String(), `nonce="`+m[1]+`"`) || seen[m[1]] {
				t.Fatalf("%s: nonce in %q", path, csp)
			}
			seen[m[1]] = true
			if w.Header().Get("Cache-Control") != "no-store" || w.Header().Get("Content-Type") != "text/html; charset=utf-8" {
				t.Errorf("%s: %v", path, w.Header())
			}
			for _, found := range inline.FindAllString(w.Body.String(), -1) {
				if !strings.Contains(found, " src=") {
					t.Errorf("%s has %s", path, found)
				}
			}
		}
	}
}

func TestSpecURLIsEscaped(t *testing.T) {
	t.Parallel()
	r, err := docsui.Routes(`/a"><script>`)
	if err != nil {
		t.Fatal(err)
	}
	if body := get(r[docsui.ReDocPath], http.MethodGet, docsui.ReDocPath, "").Body.String(); strings.Contains(body, "<script>") {
		t.Error(body)
	}
}

func TestAssetsAreWholeHoweverTheyTravel(t *testing.T) {
	t.Parallel()
	for path, h := range routes(t) {
		if !strings.Contains(path, "/assets/") {
			continue
		}
		plain := get(h, http.MethodGet, path, "")
		packed := get(h, http.MethodGet, path, "br, gzip")
		text := packed.Body.String()
		if packed.Header().Get("Content-Encoding") == "gzip" {
			reader, err := gzip.NewReader(packed.Body)
			if err != nil {
				t.Fatalf("%s: %v", path, err)
			}
			unpacked, err := io.ReadAll(reader)
			if err != nil {
				t.Fatalf("%s: %v", path, err)
			}
			text = string(unpacked)
			if packed.Header().Get("Vary") != "Accept-Encoding" || plain.Header().Get("Vary") != "Accept-Encoding" {
				t.Errorf("%s: no Vary", path)
			}
		}
		if text == "" || text != plain.Body.String() || plain.Header().Get("Content-Encoding") != "" {
			t.Errorf("%s: plain and compressed differ", path)
		}
		if packed.Header().Get("Cache-Control") != "public, max-age=31536000, immutable" {
			t.Errorf("%s: %v", path, packed.Header())
		}
		head := get(h, http.MethodHead, path, "gzip")
		size, _ := strconv.Atoi(head.Header().Get("Content-Length"))
		if head.Body.Len() != 0 || size != len(get(h, http.MethodGet, path, "gzip").Body.Bytes()) {
			t.Errorf("%s: HEAD gave %d bytes and promised %d", path, head.Body.Len(), size)
		}
	}
}

func TestCompressionIsForThoseWhoAcceptIt(t *testing.T) {
	t.Parallel()
	var path string
	r := routes(t)
	for p := range r {
		if strings.Contains(p, "swagger-ui.") && strings.HasSuffix(p, ".css") {
			path = p
		}
	}
	for accept, want := range map[string]string{
		"":                         "",
		"gzip":                     "gzip",
		"GZIP":                     "gzip",
		"deflate, gzip;q=1.0, *":   "gzip",
		"br;q=1, gzip; q=0.5":      "gzip",
		"*":                        "gzip",
		"x-gzip":                   "gzip",
		"br":                       "",
		"identity":                 "",
		"gzip;q=0":                 "",
		"gzip;q=0.000":             "",
		"gzip;q=x":                 "",
		"*;q=0":                    "",
		"*, gzip;q=0":              "",
		"gzip;q=0, *":              "",
		"*;q=0, gzip":              "gzip",
		"gzipped":                  "",
		", ,gzip":                  "gzip",
		strings.Repeat(",", 1<<16): "",
	} {
		if got := get(r[path], http.MethodGet, path, accept).Header().Get("Content-Encoding"); got != want {
			t.Errorf("Accept-Encoding %.40q: Content-Encoding %q, want %q", accept, got, want)
		}
	}
}

func TestPagesStaySmall(t *testing.T) {
	t.Parallel()
	const limit = 900 << 10
	total := 0
	for path, h := range routes(t) {
		total += get(h, http.MethodGet, path, "gzip").Body.Len()
	}
	if total > limit {
		t.Errorf("the pages take %d bytes, more than %d: a larger build of a library came in?", total, limit)
	}
}

func FuzzAcceptEncoding(f *testing.F) {
	for _, seed := range []string{"", "gzip", "gzip;q=0", "*;q=0.5", "br, deflate", ";;,=,q=1"} {
		f.Add(seed)
	}
	r, err := docsui.Routes(specURL)
	if err != nil {
		f.Fatal(err)
	}
	var asset http.Handler
	for path, h := range r {
		if strings.Contains(path, "swagger-ui.") && strings.HasSuffix(path, ".css") {
			asset = h
		}
	}
	f.Fuzz(func(t *testing.T, accept string) {
		got := get(asset, http.MethodHead, "/", accept).Header().Get("Content-Encoding")
		if got != "" && !strings.Contains(strings.ToLower(accept), "gzip") && !strings.Contains(accept, "*") {
			t.Errorf("Accept-Encoding %q: Content-Encoding %q", accept, got)
		}
	})
}
