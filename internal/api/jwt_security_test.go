package api_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	mathrand "math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/hubtest"
)

// refusedAlike fails the test unless auth/me answers every token as it answers a random one.
func refusedAlike(t *testing.T, h *hubtest.Hub, tokens map[string]string) {
	t.Helper()
	want := whole(t, h.Me(t, "a.b.c").Want(t, http.StatusUnauthorized, "TOKEN_INVALID"))
	for name, token := range tokens {
		if diff := cmp.Diff(want, whole(t, h.Me(t, token))); diff != "" {
			t.Errorf("%s: not answered like any other bad token: -want +got\n%s", name, diff)
		}
	}
}

func TestR01_AForgedHeaderOpensNothing(t *testing.T) { // JWT-01, JWT-02, JWT-05, JWT-06, JWT-22
	t.Parallel()
	h := hubtest.Start(t)
	p := h.SignUp(t, hub.RoleSuperAdmin)
	payload := claimsOf(t, p.AccessToken).json(t)
	h.Me(t, forge(plainHeader, payload, hubtest.SecretKey)).Want(t, http.StatusOK) // or the cases below would prove nothing

	tokens := map[string]string{}
	for _, alg := range []string{"none", "None", "NONE", "nOnE", "", "hs256", "HS384", "HS512"} {
		header := fmt.Sprintf(`{"alg":%q,"typ":"JWT"}`, alg)
		tokens["alg "+alg+", MACed"] = forge(header, payload, hubtest.SecretKey)
		tokens["alg "+alg+", no signature"] = segment(header) + "." + segment(payload) + "."
		tokens["alg "+alg+", random signature"] = segment(header) + "." + segment(payload) + "." + segment(strings.Repeat("r", 32))
	}
	for _, key := range []string{"", "secret", "dev_secret_key_change_in_production", "change_this_to_a_secure_random_key_in_production", hubtest.SecretKey + "\n"} {
		tokens[fmt.Sprintf("key %q", key)] = forge(plainHeader, payload, key)
	}
	for name, more := range map[string]string{
		"kid of an empty file": `"kid":"../../../../dev/null"`, "kid with SQL": `"kid":"' UNION SELECT 'k'-- "`,
		"kid an operator": `"kid":{"$ne":1}`, "kid a list": `"kid":[]`, "crit": `"crit":["exp"]`, "unknown crit": `"crit":["x"],"x":1`,
		"b64": `"b64":false,"crit":["b64"]`, "zip": `"zip":"DEF"`, "alg twice": `"alg":"none"`, "ALG": `"ALG":"none"`,
		"cty": `"cty":"JWT"`, "nested": `"x":` + strings.Repeat("[", 1000) + strings.Repeat("]", 1000),
	} {
		for keyName, key := range map[string]string{"the empty key": "", "the right key": hubtest.SecretKey} {
			tokens[name+", "+keyName] = forge(`{"alg":"HS256","typ":"JWT",`+more+`}`, payload, key)
		}
	}
	parts := strings.Split(p.AccessToken, ".")
	tokens["two segments"] = parts[0] + "." + parts[1]
	tokens["an empty third segment"] = parts[0] + "." + parts[1] + "."
	tokens["four segments"] = p.AccessToken + "." + parts[2]
	tokens["five segments"] = segment(`{"alg":"dir","enc":"A256GCM"}`) + "..AAAA.BBBB.CCCC"
	for i := range parts {
		padded := strings.Split(p.AccessToken, ".")
		padded[i] += "="
		tokens[fmt.Sprintf("segment %d padded", i)] = strings.Join(padded, ".")
	}
	tokens["the other alphabet"] = parts[0] + "." + parts[1] + "." + otherAlphabet(t, parts[2])
	tokens["a stray bit"] = p.AccessToken[:len(p.AccessToken)-1] + nextInAlphabet(t, p.AccessToken[len(p.AccessToken)-1])
	refusedAlike(t, h, tokens)
}

// otherAlphabet encodes a segment so that no strict base64url decoder takes it.
func otherAlphabet(t *testing.T, urlSafe string) string {
	t.Helper()
	text, err := base64.RawURLEncoding.DecodeString(urlSafe)
	if err != nil {
		t.Fatal(err)
	}
	if std := base64.RawStdEncoding.EncodeToString(text); std != urlSafe {
		return std
	}
	return "+/" + urlSafe[2:]
}

// nextInAlphabet returns the character behind c: at the end of a MAC it stands for the same bytes, to decoders that are
// not strict.
func nextInAlphabet(t *testing.T, c byte) string {
	t.Helper()
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	i := strings.IndexByte(alphabet, c)
	if i%4 != 0 {
		t.Fatalf("a MAC of 32 bytes cannot end in %q", c)
	}
	return alphabet[i+1 : i+2]
}

func TestR01_ATokenNeverBringsItsOwnKey(t *testing.T) { // JWT-04, JWT-07
	t.Parallel()
	h := hubtest.Start(t)
	payload := claimsOf(t, h.SignUp(t, hub.RoleUser).AccessToken).json(t)
	var asked atomic.Int64
	listener := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	defer listener.Close()

	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	ecKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	point, err := ecKey.PublicKey.Bytes() // a byte for the form, then both coordinates
	if err != nil {
		t.Fatal(err)
	}
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	sign := map[string]func(signed []byte) ([]byte, error){
		"RS256": func(signed []byte) ([]byte, error) {
			sum := sha256.Sum256(signed)
			return rsa.SignPKCS1v15(rand.Reader, rsaKey, crypto.SHA256, sum[:])
		},
		"PS256": func(signed []byte) ([]byte, error) {
			sum := sha256.Sum256(signed)
			return rsa.SignPSS(rand.Reader, rsaKey, crypto.SHA256, sum[:], nil)
		},
		"ES256": func(signed []byte) ([]byte, error) {
			sum := sha256.Sum256(signed)
			r, s, err := ecdsa.Sign(rand.Reader, ecKey, sum[:])
			if err != nil {
				return nil, err
			}
			return append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...), nil
		},
		"EdDSA": func(signed []byte) ([]byte, error) { return ed25519.Sign(edKey, signed), nil },
	}
	b64 := base64.RawURLEncoding.EncodeToString
	jwk := map[string]string{
		"RS256": `{"kty":"RSA","e":"AQAB","n":"` + b64(rsaKey.N.Bytes()) + `"}`,
		"ES256": `{"kty":"EC","crv":"P-256","x":"` + b64(point[1:33]) + `","y":"` + b64(point[33:]) + `"}`,
		"EdDSA": `{"kty":"OKP","crv":"Ed25519","x":"` + b64(edKey.Public().(ed25519.PublicKey)) + `"}`,
	}
	jwk["PS256"] = jwk["RS256"]
	tokens := map[string]string{}
	for alg, f := range sign {
		for name, more := range map[string]string{
			"nothing": "", "jwk": `,"jwk":` + jwk[alg], "jku": `,"jku":"` + listener.URL + `/keys"`,
			"x5u": `,"x5u":"` + listener.URL + `/chain"`, "x5c": `,"x5c":["MIIB"]`,
		} {
			signed := segment(`{"alg":"`+alg+`","typ":"JWT"`+more+`}`) + "." + segment(payload)
			signature, err := f([]byte(signed))
			if err != nil {
				t.Fatal(err)
			}
			tokens[alg+" with "+name] = signed + "." + b64(signature)
		}
	}
	for _, name := range []string{"jku", "x5u", "iss"} {
		tokens["HS256 with "+name] = forge(`{"alg":"HS256","typ":"JWT","`+name+`":"`+listener.URL+`"}`, payload, hubtest.SecretKey)
	}
	refusedAlike(t, h, tokens)
	if n := asked.Load(); n != 0 {
		t.Errorf("the hub asked a foreign server for a key %d times", n)
	}
}

func TestR01_R02_R03_EveryClaimIsChecked(t *testing.T) { // JWT-12, JWT-13, JWT-15, JWT-16, JWT-28
	t.Parallel()
	h := hubtest.Start(t)
	p, other := h.SignUp(t, hub.RoleUser), h.SignUp(t, hub.RoleSuperAdmin)
	right, foreign := claimsOf(t, p.AccessToken), claimsOf(t, other.AccessToken)
	now := h.Clock.Now()
	ours := right["aud"]
	h.Me(t, right.with(object{"aud": []any{"theirs", ours}}).minted(t)).Want(t, http.StatusOK)
	h.Me(t, right.with(object{"nbf": now.Unix()}).minted(t)).Want(t, http.StatusOK)

	tokens := map[string]string{}
	for name, change := range map[string]object{
		"another iss": {"iss": "another-deployment"}, "no iss": {"iss": absent{}}, "iss a list": {"iss": []any{right["iss"]}},
		"another aud": {"aud": "another"}, "aud without us": {"aud": []any{"a", "b"}}, "no aud": {"aud": absent{}}, "empty aud": {"aud": []any{}},
		"aud an object":      {"aud": map[string]any{"0": ours}},
		"nbf in ten minutes": {"nbf": now.Add(10 * time.Minute).Unix()}, "iat in ten minutes": {"iat": now.Add(10 * time.Minute).Unix()},
		"no exp": {"exp": absent{}}, "exp null": {"exp": nil}, "exp a text": {"exp": fmt.Sprint(now.Add(time.Hour).Unix())},
		"exp a fraction": {"exp": float64(now.Unix()) + 0.5}, "exp beyond numbers": {"exp": 1e300}, "exp negative": {"exp": -1}, "exp zero": {"exp": 0},
		"exp a list":                      {"exp": []any{now.Add(time.Hour).Unix()}},
		"a session that was never issued": {"sid": hub.NewID()}, "no session": {"sid": absent{}}, "session an operator": {"sid": map[string]any{"$ne": ""}},
		"somebody else's session":   {"sid": foreign["sid"]},
		"somebody else's name":      {"userId": foreign["userId"], "sub": foreign["sub"]},
		"two names":                 {"userId": foreign["userId"]},
		"two subjects":              {"sub": foreign["sub"]},
		"upper-case id":             {"userId": strings.ToUpper(p.ID), "sub": strings.ToUpper(p.ID)},
		"no id of the token itself": {"jti": absent{}},
		"no role":                   {"role": absent{}}, "a role that is none": {"role": "root"},
		"a refresh token's id": {"tokenId": right["jti"]},
	} {
		tokens[name] = right.with(change).minted(t)
	}
	for _, kind := range []any{absent{}, "ACCESS", "access ", []any{"access"}, map[string]any{"a": 1}, nil, "email_verification,access", "", 1, "refresh"} {
		tokens[fmt.Sprintf("type %v", kind)] = right.with(object{"type": kind}).minted(t)
	}
	for name, payload := range map[string]string{
		"a list": "[]", "a text": `"x"`, "null": "null", "nothing": "", "nested": strings.Repeat("[", 2000), "invalid UTF-8": "{\"userId\":\"\xff\xfe\"}",
		"NULs": "\x00\x00\x00\x00", "two values": right.json(t) + right.json(t), "BOM": "\ufeff" + right.json(t), // JWT-27
		"the victim first":   `{"userId":"` + other.ID + `",` + right.json(t)[1:], // JWT-19
		"the victim last":    strings.TrimSuffix(right.json(t), "}") + `,"userId":"` + other.ID + `"}`,
		"the victim's sid":   strings.TrimSuffix(right.json(t), "}") + `,"sid":"` + fmt.Sprint(foreign["sid"]) + `"}`,
		"lone surrogate key": `{"\ud800":1,` + right.json(t)[1:],
	} {
		tokens[name] = forge(plainHeader, payload, hubtest.SecretKey)
	}
	refusedAlike(t, h, tokens)

	for name, exp := range map[string]int64{"now": now.Unix(), "a day ago": now.Add(-24 * time.Hour).Unix()} {
		if a := h.Me(t, right.with(object{"exp": exp}).minted(t)); a.Status != http.StatusUnauthorized || a.Code() != "TOKEN_EXPIRED" {
			t.Errorf("exp %s: %d %s", name, a.Status, a.Code())
		}
	}
	refresh := claimsOf(t, p.RefreshToken).with(object{"exp": now.Add(-61 * time.Second).Unix()}).minted(t)
	h.Refresh(t, refresh).Want(t, http.StatusUnauthorized, "TOKEN_EXPIRED")
	h.Refresh(t, p.RefreshToken).Want(t, http.StatusOK) // is as good as it was
}

func TestR04_ClaimsGiveNoAuthority(t *testing.T) { // JWT-19, SES-22, SES-23
	t.Parallel()
	h := hubtest.Start(t)
	p, victim := h.SignUp(t, hub.RoleUser), h.SignUp(t, hub.RoleSuperAdmin)
	list := hubtest.Request{Method: http.MethodGet, Path: "/api/v1/users"}
	list.Token = claimsOf(t, p.AccessToken).with(object{"role": "super_admin", "email": victim.Email}).minted(t)
	h.Do(t, list).Want(t, http.StatusForbidden, "FORBIDDEN")
	if got := h.Me(t, list.Token).Want(t, http.StatusOK).JSON(t); got["email"] != p.Email || got["role"] != "user" {
		t.Errorf("auth/me believes the claims: %v", got)
	}
	folded := strings.TrimSuffix(claimsOf(t, p.AccessToken).json(t), "}") + `,"USERID":"` + victim.ID + `","UserId":"` + victim.ID + `"}`
	if a := h.Me(t, forge(plainHeader, folded, hubtest.SecretKey)); a.Status == http.StatusOK && a.JSON(t)["userId"] != p.ID {
		t.Error("a claim in another case named somebody else")
	}

	h.Edit(t, p.ID, func(u *hub.User) { u.Role = hub.RoleAdmin })
	list.Token = p.AccessToken
	h.Do(t, list).Want(t, http.StatusOK)
	var tokens hubtest.Tokens
	h.Refresh(t, p.RefreshToken).Want(t, http.StatusOK).Into(t, &tokens)
	if got := claimsOf(t, tokens.AccessToken)["role"]; got != "admin" {
		t.Errorf("refreshed after a promotion, the token says %v", got)
	}
	h.Edit(t, p.ID, func(u *hub.User) { u.Role = hub.RoleModerator })
	h.Do(t, list).Want(t, http.StatusForbidden, "FORBIDDEN")
}

func TestR01_OneFlippedBitIsEnough(t *testing.T) { // JWT-20
	t.Parallel()
	h := hubtest.Start(t)
	p := h.SignUp(t, hub.RoleUser)
	random := mathrand.New(mathrand.NewPCG(20, 0))
	for n := 0; n < 300; {
		flipped := []byte(p.AccessToken)
		flipped[random.IntN(len(flipped))] ^= 1 << random.IntN(8)
		if strings.ContainsFunc(string(flipped), func(r rune) bool { return r < ' ' || r == 0x7f }) {
			continue // HTTP has no such header
		}
		n++
		if a := h.Me(t, string(flipped)); a.Status != http.StatusUnauthorized {
			t.Fatalf("a flipped bit: %d", a.Status)
		}
	}
	parts := strings.Split(p.AccessToken, ".")
	for range 300 { // of what the segments stand for, so that no decoder is in the way
		i := random.IntN(len(parts))
		text, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err != nil {
			t.Fatal(err)
		}
		text[random.IntN(len(text))] ^= 1 << random.IntN(8)
		flipped := append([]string(nil), parts...)
		flipped[i] = segment(string(text))
		h.Me(t, strings.Join(flipped, ".")).Want(t, http.StatusUnauthorized, "TOKEN_INVALID")
	}
	h.Me(t, p.AccessToken).Want(t, http.StatusOK)
}

func TestR01_NoPartOfATokenIsAToken(t *testing.T) { // JWT-23
	t.Parallel()
	h := hubtest.Start(t)
	p := h.SignUp(t, hub.RoleUser)
	post := func(path string, body any) hubtest.Answer {
		return h.Do(t, hubtest.Request{Method: http.MethodPost, Path: "/api/v1/auth/" + path, Body: body})
	}
	post("request-password-reset", map[string]any{"email": p.Email}).Want(t, http.StatusOK)
	resetToken := h.LinkTo(t, p.Email)
	resetWith := func(token string) hubtest.Answer {
		return post("reset-password", map[string]any{"token": token, "newPassword": "Another-Horse-8-Battery"})
	}
	for n := 1; n < len(p.AccessToken); n++ {
		h.Me(t, p.AccessToken[:n]).Want(t, http.StatusUnauthorized, "TOKEN_INVALID")
	}
	for n := 1; n < len(p.RefreshToken); n++ {
		h.Refresh(t, p.RefreshToken[:n]).Want(t, http.StatusUnauthorized, "TOKEN_INVALID")
	}
	for n := 1; n < len(resetToken); n++ {
		resetWith(resetToken[:n]).Want(t, http.StatusUnauthorized, "TOKEN_INVALID")
	}
	h.Me(t, "").Want(t, http.StatusUnauthorized, "UNAUTHENTICATED")
	h.Refresh(t, "").Want(t, http.StatusUnprocessableEntity, "VALIDATION_ERROR")
	resetWith("").Want(t, http.StatusUnprocessableEntity, "VALIDATION_ERROR")
	h.Me(t, p.AccessToken).Want(t, http.StatusOK)
	h.Refresh(t, p.RefreshToken).Want(t, http.StatusOK)
	resetWith(resetToken).Want(t, http.StatusOK)
}
