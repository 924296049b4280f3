package password

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"strconv"

	"golang.org/x/crypto/bcrypt"

	"github.com/a64core/hub"
)

// Hasher makes and compares bcrypt hashes of passwords as they were sent. It is safe for concurrent use. Each method with
// a context waits for its turn at the gate, and returns the gate's errors: OVERLOADED, or that of the context. Known to the gate
// is who has signed in, and whoever gave or set the password of the same hash before from the same network.
type Hasher struct {
	cost  int
	gate  *Gate
	known *known
}

// New returns a Hasher with the given cost of bcrypt, 2^cost rounds. Costs outside 4 to 16 are brought to the nearer end.
func New(cost int, gate *Gate) *Hasher {
	return &Hasher{cost: min(max(cost, bcrypt.MinCost), maxCost), gate: gate, known: newKnown()}
}

// Hash returns a new hash, each time with another salt. It takes any password: [Policy] decides what is good enough.
func (h *Hasher) Hash(ctx context.Context, password hub.Secret) (hub.Secret, error) {
	text := forms(password)[0]
	var (
		hash string
		err  error
	)
	if gateErr := h.gate.Do(ctx, clientOf(ctx), func() { hash, err = newHash(text, h.cost) }); gateErr != nil {
		return hub.Secret{}, gateErr
	}
	if err != nil {
		return hub.Secret{}, fmt.Errorf("hash password: %w", err)
	}
	h.known.add(h.mark(ctx, hash)) // who made it knows the password
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
	is, from, mark := h.comparison(hash.Reveal()), clientOf(ctx), h.mark(ctx, hash.Reveal())
	if !from.Known && h.known.has(mark) {
		from = Client{Key: "owner:" + strconv.FormatUint(mark, 36), Known: true}
	}
	right := false
	err := h.gate.Do(ctx, from, func() {
		for _, text := range forms(password) {
			if is(text) {
				right = true
			}
		}
	})
	if right {
		h.known.add(mark)
	}
	return right, err
}

// clientOf returns for whom ctx asks: the user who has signed in, or a stranger at an address.
func clientOf(ctx context.Context) Client {
	if actor, ok := hub.ActorFrom(ctx); ok {
		return Client{Key: "user:" + actor.User.ID, Known: true}
	}
	return Client{Key: "address:" + hub.OriginFrom(ctx).Network()}
}

func (h *Hasher) mark(ctx context.Context, hash string) uint64 {
	return h.known.mark(hub.OriginFrom(ctx).Network(), hash)
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
