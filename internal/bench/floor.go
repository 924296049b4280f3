package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"time"
)

// floorInput is what the floor's process reads from its standard input.
type floorInput struct {
	Key    string
	Answer []byte
}

// barePath is where the floor asks for no token, and only answers: nginx asks there whether it is up.
const barePath = "/api/health"

func runFloor(ctx context.Context, addr string) error {
	var in floorInput
	if err := json.NewDecoder(os.Stdin).Decode(&in); err != nil {
		return fmt.Errorf("read floor input: %w", err)
	}
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	return serveFloor(ctx, ln, []byte(in.Key), in.Answer)
}

// serveFloor answers like /api/v1/auth/me with the least work that is still honest: it checks the token's MAC, reads its
// claims, and writes the same bytes. Under barePath it only writes. It ends with ctx.
func serveFloor(ctx context.Context, ln net.Listener, key, answer []byte) error {
	handler := func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != barePath && !validToken(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), key) {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		_, _ = w.Write(answer) // the client may be gone
	}
	server := http.Server{Handler: http.HandlerFunc(handler), ReadHeaderTimeout: 10 * time.Second}
	defer context.AfterFunc(ctx, func() { _ = server.Close() })()
	if err := server.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func validToken(raw string, key []byte) bool {
	signed, mac, ok := cutLast(raw, '.')
	if !ok {
		return false
	}
	want, err := base64.RawURLEncoding.DecodeString(mac)
	if err != nil {
		return false
	}
	h := hmac.New(sha256.New, key)
	h.Write([]byte(signed))
	if !hmac.Equal(h.Sum(nil), want) {
		return false
	}
	_, payload, _ := cutLast(signed, '.')
	text, err := base64.RawURLEncoding.DecodeString(payload)
	if err != nil {
		return false
	}
	var claims struct {
		UserID string `json:"userId"`
		Type   string `json:"type"`
		Exp    int64  `json:"exp"`
	}
	return json.Unmarshal(text, &claims) == nil && claims.Type == "access" && time.Now().Unix() < claims.Exp
}

func cutLast(s string, sep byte) (before, after string, ok bool) {
	i := strings.LastIndexByte(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+1:], true
}
