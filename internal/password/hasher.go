package password

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"

	"golang.org/x/crypto/bcrypt"

	"github.com/a64core/hub"
)

// Hasher makes and compares bcrypt hashes of passwords as they were sent. It is safe for concurrent use. Each method with
// a context waits for its place in the gate, and returns the gate's errors: OVERLOADED, or that of the context.
type Hasher struct {
	cost int
	gate *Gate
}

// New returns a Hasher with the given cost of bcrypt, 2^cost rounds. Costs outside 4 to 16 are brought to the nearer end.
func New(cost int, gate *Gate) *Hasher {
	return &Hasher{cost: min(max(cost, bcrypt.MinCost), maxCost), gate: gate}
}

// Hash returns a new hash, each time with another salt. It takes any password: [Policy] decides what is good enough.
func (h *Hasher) Hash(ctx context.Context, password hub.Secret) (hub.Secret, error) {
	text := forms(password)[0]
	var (
		hash string
		err  error
	)
	if gateErr := h.gate.Do(ctx, func() { hash, err = newHash(text, h.cost) }); gateErr != nil {
		return hub.Secret{}, gateErr
	}
	if err != nil {
		return hub.Secret{}, fmt.Errorf("hash password: %w", err)
	}
	return hub.NewSecret(hash), nil
}

func newHash(text string, cost int) (string, error) {
	input, prefix := []byte(text), ""
	if !fitsBcrypt(text) {
		salt := make([]byte, saltBytes)
		_, _ = rand.Read(salt) // never fails: crypto/rand ends the program rather than return too little
		input, prefix = preHash(text, salt), preHashed+base64.RawURLEncoding.EncodeToString(salt)
	}
	hash, err := bcrypt.GenerateFromPassword(input, cost)
	return prefix + string(hash), err
}

// Match reports whether hash was made of password, by us or by another system. A hash that cannot be read, or that Adopt
// would refuse, matches nothing, in the time of a hash of ours.
func (h *Hasher) Match(ctx context.Context, hash, password hub.Secret) (bool, error) {
	is := h.comparison(hash.Reveal())
	right := false
	err := h.gate.Do(ctx, func() {
		for _, text := range forms(password) {
			if is(text) {
				right = true
			}
		}
	})
	return right, err
}

// comparison returns what compares texts with a stored hash. It takes as long as with a new hash of ours, unless another
// system's scheme takes its own time.
func (h *Hasher) comparison(hash string) comparison {
	if foreign, err := parseForeign(hash); err == nil {
		return foreign
	}
	stored, readable := parseStored(hash)
	if !readable {
		stored = dummyHash(h.cost) // which nothing matches
	}
	return func(text string) bool {
		right := stored.matches(text)
		h.spendRest(stored.cost)
		return right
	}
}

// spendRest does the rounds by which a hash of a lower cost is cheaper than one of ours, so that time does not tell which
// accounts there are: costs c, c+1, ... C-1 have 2^C - 2^c rounds together.
func (h *Hasher) spendRest(cost int) {
	for ; cost < h.cost; cost++ {
		dummyHash(cost).matches("")
	}
}

// Burn does the work of Match where there is no account, and so no hash to compare with.
func (h *Hasher) Burn(ctx context.Context, password hub.Secret) error {
	_, err := h.Match(ctx, hub.NewSecret(dummyHash(h.cost).bcrypt), password)
	return err
}

// Outdated reports whether hash is of another cost than New was given, or of another scheme than ours: make a new one the
// next time that the password is at hand.
func (h *Hasher) Outdated(hash hub.Secret) bool {
	stored, readable := parseStored(hash.Reveal())
	return !readable || stored.cost != h.cost
}
