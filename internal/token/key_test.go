package token_test

import (
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/a64core/hub/internal/token"
)

// TestAnotherLibraryReadsWhatIsIssued has an implementation that is not ours check signatures, also of tokens that are made
// at the same time.
func TestAnotherLibraryReadsWhatIsIssued(t *testing.T) {
	t.Parallel()
	i := newIssuer(t, key)
	parser := jwt.NewParser(jwt.WithValidMethods([]string{"HS256"}), jwt.WithTimeFunc(func() time.Time { return now }))
	var wg sync.WaitGroup
	for _, kind := range kinds() {
		wg.Go(func() {
			for range 100 {
				raw, err := i.Issue(claimsOf(kind))
				if err != nil {
					t.Error(err)
					return
				}
				claims := jwt.MapClaims{}
				_, err = parser.ParseWithClaims(raw.Reveal(), claims, func(*jwt.Token) (any, error) { return []byte(key), nil })
				if err != nil || claims["sub"] != user {
					t.Errorf("%s: %v", kind, err)
				}
			}
		})
	}
	wg.Wait()
}

// BenchmarkVerify has the library beside us, which does less, as ADR 5 says.
func BenchmarkVerify(b *testing.B) {
	i := newIssuer(b, key)
	raw := issue(b, i, claimsOf(token.Access))
	b.Run("ours", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := i.Verify(token.Access, raw, now); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("golang-jwt", func(b *testing.B) {
		parser := jwt.NewParser(jwt.WithValidMethods([]string{"HS256"}), jwt.WithTimeFunc(func() time.Time { return now }))
		b.ReportAllocs()
		for b.Loop() {
			if _, err := parser.Parse(raw, func(*jwt.Token) (any, error) { return []byte(key), nil }); err != nil {
				b.Fatal(err)
			}
		}
	})
}
