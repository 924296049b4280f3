package token_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/a64core/hub/internal/token"
)

// refused fails the test unless raw is refused as an access token, without a hint why.
func refused(t *testing.T, name, raw string) {
	t.Helper()
	c, err := newIssuer(t, key).Verify(token.Access, raw, now)
	if err != token.ErrInvalid { //nolint:errorlint // exactly this, so that no text can tell cases apart
		t.Errorf("%s: %v, want ErrInvalid", name, err)
	}
	if c != (token.Claims{}) {
		t.Errorf("%s: claims were returned", name)
	}
}

// The tests below tamper with this token: it must be right before that.
func TestMintedTokenIsRight(t *testing.T) {
	t.Parallel()
	i := newIssuer(t, key)
	body := payloadWith(t, nil)
	for _, head := range []string{plainHeader, `{"typ":"JWT","alg":"HS256"}`, `{"alg":"HS256"}`, ` { "alg" : "HS256" } `} {
		if _, err := i.Verify(token.Access, mint(head, body, key), now); err != nil {
			t.Errorf("header %s: %v", head, err)
		}
	}
	for name, changes := range map[string]map[string]any{
		"unknown claim": {"scope": []any{"x"}},
		"nbf past":      {"nbf": now.Unix()},
		"aud list":      {"aud": []any{"other", "a64core"}},
	} {
		if _, err := i.Verify(token.Access, mint(plainHeader, payloadWith(t, changes), key), now); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestJWT01AlgorithmNone(t *testing.T) {
	t.Parallel()
	body := encode(payloadWith(t, nil))
	for _, alg := range []string{"none", "None", "NONE", "nOnE", "", "hs256", "HS256 "} {
		unsigned := encode(`{"alg":"`+alg+`","typ":"JWT"}`) + "." + body
		refused(t, alg+", no signature", unsigned+".")
		refused(t, alg+", random signature", unsigned+"."+encode(rand.Text()))
		refused(t, alg+", right MAC", signRaw(unsigned, key))
	}
	refused(t, "no alg", mint(`{"typ":"JWT"}`, payloadWith(t, nil), key))
}

func TestJWT02MissingSegments(t *testing.T) {
	t.Parallel()
	parts := strings.Split(issue(t, newIssuer(t, key), claimsOf(token.Access)), ".")
	for _, raw := range []string{
		"", ".", "..", "...", parts[0], parts[0] + "." + parts[1], parts[0] + "." + parts[1] + ".",
		parts[0] + ".." + parts[2], "." + parts[1] + "." + parts[2],
	} {
		refused(t, raw, raw)
	}
}

func TestJWT04OtherAlgorithms(t *testing.T) {
	t.Parallel()
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	foreign := jwt.NewWithClaims(jwt.SigningMethodES256, jwt.MapClaims(wire(t)))
	foreign.Header["jwk"] = map[string]any{"kty": "EC", "crv": "P-256"}
	signed, err := foreign.SignedString(ec)
	if err != nil {
		t.Fatal(err)
	}
	refused(t, "ES256 with jwk", signed)

	longer, err := jwt.NewWithClaims(jwt.SigningMethodHS512, jwt.MapClaims(wire(t))).SignedString([]byte(key))
	if err != nil {
		t.Fatal(err)
	}
	refused(t, "HS512 with our key", longer)
	for _, alg := range []string{"RS256", "ES256", "EdDSA", "PS256", "HS384", "HS512"} {
		refused(t, alg+" with our MAC", mint(`{"alg":"`+alg+`","typ":"JWT"}`, payloadWith(t, nil), key))
	}
}

func TestJWT05KnownKeys(t *testing.T) {
	t.Parallel()
	for _, k := range []string{
		"", "secret", "dev_secret_key_change_in_production", "change_this_to_a_secure_random_key_in_production", oldKey,
	} {
		refused(t, k, mint(plainHeader, payloadWith(t, nil), k))
	}
}

func TestJWT06And07HeaderChoosesNothing(t *testing.T) {
	t.Parallel()
	for _, extra := range []string{
		`"kid":"../../../../dev/null"`, `"kid":"' UNION SELECT 'k'-- "`, `"kid":{"$ne":1}`, `"kid":[]`, `"kid":""`,
		`"jku":"https://evil.example/jwks"`, `"x5u":"https://evil.example/x"`, `"x5c":["MII"]`, `"jwk":{"kty":"oct","k":"AA"}`,
		`"crit":["exp"]`, `"crit":[]`, `"zip":"DEF"`, `"enc":"A128GCM"`, `"cty":"JWT"`, `"b64":false`,
		`"alg":"none"`, `"ALG":"none"`, `"typ":"at+jwt"`, `"typ":null`,
	} {
		head := `{"alg":"HS256",` + extra + `}`
		refused(t, extra, mint(head, payloadWith(t, nil), key))
		refused(t, extra+" with an empty key", mint(head, payloadWith(t, nil), ""))
	}
	refused(t, "64 KiB kid", mint(`{"alg":"HS256","kid":"`+strings.Repeat("k", 64<<10)+`"}`, payloadWith(t, nil), key))
	for _, head := range []string{``, `null`, `[]`, `"HS256"`, `{"alg":["HS256"]}`, `{"alg":"HS256"}{}`, `{"alg":"HS256"`} {
		refused(t, "header "+head, mint(head, payloadWith(t, nil), key))
	}
}

// JWT-09, JWT-10 and JWT-11: every crossing of two kinds.
func TestJWT09To11TokensServeTheirOwnPurposeOnly(t *testing.T) {
	t.Parallel()
	i := newIssuer(t, key)
	for _, have := range kinds() {
		raw := issue(t, i, claimsOf(have))
		for _, want := range append(kinds(), "", "admin") {
			if _, err := i.Verify(want, raw, now); (err == nil) != (have == want) {
				t.Errorf("%s as %s: %v", have, want, err)
			}
		}
	}
}

func TestJWT12TypeIsExact(t *testing.T) {
	t.Parallel()
	for _, v := range []any{
		nil, "", "ACCESS", "access ", " access", "access\x00",
		[]any{"access"},
		map[string]any{"a": 1},
		1, true,
		"email_verification,access", "refresh",
	} {
		refused(t, "type", mint(plainHeader, payloadWith(t, map[string]any{"type": v}), key))
	}
	refused(t, "null", mint(plainHeader, strings.Replace(payloadWith(t, nil), `"access"`, `null`, 1), key))
}

func TestJWT13Expiry(t *testing.T) {
	t.Parallel()
	i := newIssuer(t, key)
	raw := issue(t, i, claimsOf(token.Access))
	end := now.Add(time.Hour)
	for _, tt := range []struct {
		at   time.Time
		want error
	}{
		{end.Add(-time.Nanosecond), nil},
		{end, token.ErrExpired},
		{end.Add(time.Second), token.ErrExpired},
		{end.Add(24 * time.Hour), token.ErrExpired},
	} {
		if _, err := i.Verify(token.Access, raw, tt.at); !errors.Is(err, tt.want) {
			t.Errorf("at %v: %v, want %v", tt.at, err, tt.want)
		}
	}
	// Only a token that is right in all else is called expired.
	past := map[string]any{"exp": now.Add(-24 * time.Hour).Unix()}
	if _, err := i.Verify(token.Access, mint(plainHeader, payloadWith(t, past), key), now); !errors.Is(err, token.ErrExpired) {
		t.Errorf("expired a day ago: %v", err)
	}
	refused(t, "expired and forged", mint(plainHeader, payloadWith(t, past), oldKey))
	for _, wrong := range []map[string]any{
		{"type": "refresh"}, {"iss": "other"}, {"aud": "other"}, {"sub": session}, {"nbf": now.Add(time.Hour).Unix()}, {"role": "root"},
	} {
		maps.Copy(wrong, past)
		refused(t, "expired and wrong", mint(plainHeader, payloadWith(t, wrong), key))
	}
}

func TestExpiryIsRequiredAndAWholeNumber(t *testing.T) {
	t.Parallel()
	for _, v := range []any{nil, "1772604367", true, []any{1772604367}, map[string]any{}, 0, -1, 1772604367.5, 1e300, int64(1) << 62} {
		refused(t, "exp", mint(plainHeader, payloadWith(t, map[string]any{"exp": v}), key))
		refused(t, "iat", mint(plainHeader, payloadWith(t, map[string]any{"iat": v}), key))
	}
	for _, text := range []string{`null`, `1e12`, `99999999999999999999`, `NaN`, `01772604367`, `+1`} {
		body := strings.Replace(payloadWith(t, nil), `"exp":1772604367`, `"exp":`+text, 1)
		refused(t, "exp "+text, mint(plainHeader, body, key))
	}
}

func TestJWT15NotYet(t *testing.T) {
	t.Parallel()
	i := newIssuer(t, key)
	for _, claim := range []string{"nbf", "iat"} {
		for _, tt := range []struct {
			ahead time.Duration
			ok    bool
		}{{0, true}, {30 * time.Second, true}, {31 * time.Second, false}, {10 * time.Minute, false}} {
			raw := mint(plainHeader, payloadWith(t, map[string]any{claim: now.Add(tt.ahead).Unix()}), key)
			if _, err := i.Verify(token.Access, raw, now); (err == nil) != tt.ok {
				t.Errorf("%s %v ahead: %v", claim, tt.ahead, err)
			}
		}
	}
	refused(t, "nbf of a wrong type", mint(plainHeader, payloadWith(t, map[string]any{"nbf": "1"}), key))
	refused(t, "negative nbf", mint(plainHeader, payloadWith(t, map[string]any{"nbf": -1}), key))
}

func TestJWT16IssuerAndAudience(t *testing.T) {
	t.Parallel()
	for _, v := range []any{nil, "", "https://other.example", "https://hub.example/", []any{"https://hub.example"}, 1} {
		refused(t, "iss", mint(plainHeader, payloadWith(t, map[string]any{"iss": v}), key))
	}
	for _, v := range []any{
		nil, "", "other", "A64CORE",
		[]any{},
		[]any{"other"},
		[]any{[]any{"a64core"}},
		map[string]any{"a64core": 1},
		1,
		[]any{"a64core", 1},
	} {
		refused(t, "aud", mint(plainHeader, payloadWith(t, map[string]any{"aud": v}), key))
	}
	refused(t, "aud null", mint(plainHeader, strings.Replace(payloadWith(t, nil), `"a64core"`, `null`, 1), key))
}

func TestJWT19DuplicateAndCaseVariantNames(t *testing.T) {
	t.Parallel()
	const victim = "0190a000-0000-7000-8000-0000000000ff"
	body := payloadWith(t, nil)
	refused(t, "duplicate first", mint(plainHeader, `{"userId":"`+victim+`",`+body[1:], key))
	refused(t, "duplicate last", mint(plainHeader, body[:len(body)-1]+`,"userId":"`+victim+`"}`, key))
	refused(t, "escaped duplicate", mint(plainHeader, `{"user\u0049d":"`+victim+`",`+body[1:], key))
	refused(t, "duplicate aud", mint(plainHeader, `{"aud":"a64core",`+body[1:], key))
	for _, name := range []string{"USERID", "userid", "UserId"} {
		got, err := newIssuer(t, key).Verify(token.Access, mint(plainHeader, body[:len(body)-1]+`,"`+name+`":"`+victim+`"}`, key), now)
		if err == nil && got.UserID != user {
			t.Errorf("%s decided who it is", name)
		}
		refused(t, "only "+name, mint(plainHeader, strings.Replace(body, `"userId"`, `"`+name+`"`, 1), key))
	}
}

func TestIdsAgreeAndHaveOneForm(t *testing.T) {
	t.Parallel()
	upper := strings.ToUpper("0190a000-0000-7000-8000-00000000000a")
	for _, changes := range []map[string]any{
		{"userId": nil},
		{"sub": nil},
		{"sub": session},
		{"userId": session},
		{"userId": "1", "sub": "1"},
		{"userId": upper, "sub": upper},
		{"userId": user + " ", "sub": user + " "},
		{"userId": map[string]any{"$ne": 1}},
		{"sid": nil},
		{"sid": "x"},
		{"jti": nil},
		{"jti": ""},
		{"tokenId": tokenID}, // a claim of other kinds
		{"role": nil},
		{"role": "none"},
		{"role": "ADMIN"},
		{"role": 5},
		{"email": nil},
	} {
		refused(t, "changed claim", mint(plainHeader, payloadWith(t, changes), key))
	}
	refresh := payloadWith(t, map[string]any{"type": "refresh", "role": nil, "email": nil, "tokenId": session})
	if _, err := newIssuer(t, key).Verify(token.Refresh, mint(plainHeader, refresh, key), now); !errors.Is(err, token.ErrInvalid) {
		t.Errorf("tokenId unlike jti: %v", err)
	}
}

func TestJWT20FlippedBits(t *testing.T) {
	t.Parallel()
	raw := []byte(issue(t, newIssuer(t, key), claimsOf(token.Access)))
	for at := range raw {
		for bit := range 8 {
			raw[at] ^= 1 << bit
			refused(t, "flipped bit", string(raw))
			raw[at] ^= 1 << bit
		}
	}
}

func TestJWT22OneEncodingOnly(t *testing.T) {
	t.Parallel()
	good := issue(t, newIssuer(t, key), claimsOf(token.Access))
	parts := strings.Split(good, ".")
	head := encode(plainHeader)
	body := payloadWith(t, nil)
	for len(body)%3 == 0 { // so that the last character of its base64 has bits to spare
		body += " "
	}
	special := payloadWith(t, map[string]any{"scope": "???~~~???"}) // so that its base64 has "_" and "-"
	standard := strings.NewReplacer("-", "+", "_", "/").Replace(encode(special))
	if standard == encode(special) {
		t.Fatal("the test's payload has none of the characters that differ")
	}
	for name, raw := range map[string]string{
		"padding":             good + "=",
		"leading space":       " " + good,
		"trailing space":      good + " ",
		"trailing newline":    good + "\n",
		"newline after a dot": parts[0] + ".\n" + parts[1] + "." + parts[2],
		"newline, signed":     signRaw(parts[0]+".\n"+parts[1], key),
		"newline, signature":  parts[0] + "." + parts[1] + "." + parts[2][:20] + "\r\n" + parts[2][20:],
		"padding, signed":     signRaw(head+"."+base64.URLEncoding.EncodeToString([]byte(body)), key),
		"stray bits, signed":  signRaw(head+"."+strayBits(encode(body)), key),
		"std alphabet":        signRaw(head+"."+standard, key),
		"four segments":       good + "." + parts[2],
		"five segments":       good + "." + parts[1] + "." + parts[2],
		"JSON serialization":  `{"protected":"` + parts[0] + `","payload":"` + parts[1] + `","signature":"` + parts[2] + `"}`,
		"JWE":                 mint(`{"alg":"dir","enc":"A128GCM","zip":"DEF"}`, body, key) + "..",
	} {
		refused(t, name, raw)
	}
	last := good[len(good)-1]
	for _, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") {
		if c != last {
			refused(t, "stray bits in the signature", good[:len(good)-1]+string(c))
		}
	}
}

// strayBits sets a bit of the last character that no byte of the text uses.
func strayBits(encoded string) string {
	return encoded[:len(encoded)-1] + string(encoded[len(encoded)-1]+1)
}

func TestJWT23Prefixes(t *testing.T) {
	t.Parallel()
	i := newIssuer(t, key)
	for _, kind := range kinds() {
		raw := issue(t, i, claimsOf(kind))
		for n := range len(raw) {
			if _, err := i.Verify(kind, raw[:n], now); !errors.Is(err, token.ErrInvalid) {
				t.Fatalf("%s cut to %d: %v", kind, n, err)
			}
		}
	}
}

func TestJWT24LongTokensCostNothing(t *testing.T) { // not parallel: it counts allocations
	i := newIssuer(t, key)
	for name, raw := range map[string]string{
		"1 MiB of dots":     strings.Repeat(".", 1<<20),
		"64 KiB of a.b.c":   strings.Repeat("a.b.c", 64<<10/5),
		"8 KiB of dots":     strings.Repeat(".", 8<<10),
		"8 KiB of junk":     strings.Repeat("x", 8<<10),
		"8 KiB in one part": "." + strings.Repeat("x", 8<<10-2) + ".",
	} {
		allocs := testing.AllocsPerRun(10, func() { _, _ = i.Verify(token.Access, raw, now) })
		if allocs > 4 {
			t.Errorf("%s: %v allocations", name, allocs)
		}
		refused(t, name, raw)
	}
	fits := func(size int) string {
		return mint(plainHeader, payloadWith(t, map[string]any{"pad": strings.Repeat("x", size)}), key)
	}
	if raw := fits(5000); len(raw) > 8<<10 {
		t.Fatal("the test's token is too long")
	} else if _, err := i.Verify(token.Access, raw, now); err != nil {
		t.Errorf("%d bytes: %v", len(raw), err)
	}
	refused(t, "over 8 KiB, right otherwise", fits(6000))
}

func TestJWT27OddPayloads(t *testing.T) {
	t.Parallel()
	body := payloadWith(t, nil)
	for name, text := range map[string]string{
		"empty":           "",
		"array":           `[]`,
		"string":          `"x"`,
		"null":            `null`,
		"number":          `1`,
		"empty object":    `{}`,
		"array around":    `[` + body + `]`,
		"two values":      body + body,
		"trailing text":   body + `x`,
		"cut":             body[:len(body)-1],
		"four NULs":       "\x00\x00\x00\x00",
		"invalid UTF-8":   strings.Replace(body, "jane", "\xff\xfe", 1),
		"lone surrogate":  strings.Replace(body, "jane", `\ud800`, 1),
		"byte order mark": "\ufeff" + body,
		"deep":            strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000),
		"deep inside":     `{"a":` + strings.Repeat("[", 2500) + strings.Repeat("]", 2500) + `}`,
		"deep, unclosed":  strings.Repeat(`{"a":`, 1000),
	} {
		refused(t, name, mint(plainHeader, text, key))
	}
}
