package password_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/password"
)

// crowd asks a gate for many clients, whose names begin with "known" if they are.
type crowd struct {
	*testing.T
	gate   *password.Gate
	served []string
	away   map[string]int // how often who was sent away
}

// occupy returns a crowd at a gate with one worker, who works from now on.
func occupy(t *testing.T, room int) *crowd {
	c := &crowd{T: t, gate: password.NewGate(1, room, 0), away: map[string]int{}}
	go func() { _ = c.gate.Do(t.Context(), ada, busy(time.Second)) }()
	synctest.Wait()
	return c
}

// ask has each of the clients ask, one after the other.
func (c *crowd) ask(names ...string) {
	c.Helper()
	for _, name := range names {
		go func() {
			client := password.Client{Key: name, Known: strings.HasPrefix(name, "known")}
			err := c.gate.Do(c.Context(), client, func() { c.served = append(c.served, name); busy(time.Second)() })
			if err != nil {
				retryAfter(c.T, err)
				c.away[name]++
			}
		}()
		synctest.Wait()
	}
}

// want lets everybody work who waits, and compares who that was, in order, and how many were sent away.
func (c *crowd) want(served string, away map[string]int) {
	c.Helper()
	<-time.After(time.Hour)
	synctest.Wait()
	if got := strings.Join(c.served, " "); got != served {
		c.Errorf("served: %s\nwant:   %s", got, served)
	}
	if got := fmt.Sprint(c.away); got != fmt.Sprint(away) {
		c.Errorf("sent away %s, want %v", got, away)
	}
}

func TestR26_ClientsShareTurnsAndPlaces(t *testing.T) {
	t.Parallel()
	many := func(name string, n int) []string { return slices.Repeat([]string{name}, n) }
	var strangers []string
	for i := range 20 {
		strangers = append(strangers, fmt.Sprint("s", i))
	}
	tests := []struct {
		name   string
		room   int
		ask    []string
		served string
		away   map[string]int
	}{
		{"in turn, whoever came in what number", 9, append(many("a", 5), "b", "b", "c", "b"), "a b c a b a b a a", nil},
		{"a flood of one client is bounded by itself", 3, many("a", 10), "a a a", map[string]int{"a": 7}},
		{"who floods makes room for who comes", 4, append(many("a", 10), "b", "c", "d"), "a b c d", map[string]int{"a": 9}},
		{"nobody makes room for who has as many", 4, append(many("a", 10), "b", "b", "b"), "a b a b", map[string]int{"a": 8, "b": 1}},
		{"the newest leaves", 3, []string{"a", "a", "a", "b", "a"}, "a b a", map[string]int{"a": 2}},
		{"no room at all", 0, []string{"a", "known"}, "", map[string]int{"a": 1, "known": 1}},
		{"a known client among strangers is next", 8, append(strangers, "known"), "known s0 s1 s2 s3 s4 s5 s6", map[string]int{
			"s7": 1, "s8": 1, "s9": 1, "s10": 1, "s11": 1, "s12": 1, "s13": 1, "s14": 1, "s15": 1, "s16": 1, "s17": 1, "s18": 1, "s19": 1,
		}},
		{"the known have half of the places", 4, append(many("s", 4), "known1", "known1", "known1", "known2"), "known1 s known2 s", map[string]int{"s": 2, "known1": 2}},
		{"and strangers the other half", 4, append(many("known", 9), "s1", "s2", "s3"), "known s1 known s2", map[string]int{"known": 7, "s3": 1}},
		{"all places for either, while the other has no use for them", 4, append(many("known", 4), "known"), "known known known known", map[string]int{"known": 1}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := occupy(t, tt.room)
				c.ask(tt.ask...)
				if tt.away == nil {
					tt.away = map[string]int{}
				}
				c.want(tt.served, tt.away)
			})
		})
	}
}

// Whoever comes, leaves, is called or sent away in whatever order, the queue has lost nobody and no place in the end.
func TestNobodyIsLostInTheQueue(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		synctest.Test(t, func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 0))
			g := password.NewGate(1+r.IntN(2), r.IntN(12), 0)
			asked := 0
			var answered atomic.Int32
			var leave []context.CancelFunc
			for range 300 {
				switch {
				case r.IntN(3) == 0:
					<-time.After(time.Duration(r.IntN(3)) * time.Second)
				case r.IntN(4) == 0 && len(leave) > 0:
					leave[r.IntN(len(leave))]()
				default:
					ctx, cancel := context.WithCancel(t.Context())
					leave = append(leave, cancel)
					asked++
					client := password.Client{Key: fmt.Sprint(r.IntN(6)), Known: r.IntN(3) == 0}
					go func() {
						defer answered.Add(1)
						_ = g.Do(ctx, client, busy(time.Second))
					}()
				}
				synctest.Wait()
			}
			<-time.After(time.Hour)
			synctest.Wait()
			if running, waiting, _ := g.Use(); int(answered.Load()) != asked || running != 0 || waiting != 0 {
				t.Errorf("seed %d: %d of %d answered, %d run, %d wait", seed, answered.Load(), asked, running, waiting)
			}
			for _, cancel := range leave {
				cancel()
			}
		})
	}
}

// from returns a context of a request from the address.
func from(t *testing.T, ip string) context.Context {
	return hub.WithOrigin(t.Context(), hub.Origin{IP: ip})
}

func TestR26_WhoIsKnownPassesAFlood(t *testing.T) {
	t.Parallel()
	const right, home, away = "kX7!vPqz", "2001:db8::1", "198.51.100.7"
	match := func(t *testing.T, h *password.Hasher, hash hub.Secret, ip, text string) error {
		_, err := h.Match(from(t, ip), hash, hub.NewSecret(text))
		return err
	}
	tests := []struct {
		name   string
		before func(t *testing.T, h *password.Hasher, hash hub.Secret) error
		asks   func(t *testing.T, h *password.Hasher, hash hub.Secret) error
		passes bool
	}{
		{"whoever set the password, from there", nil, func(t *testing.T, h *password.Hasher, hash hub.Secret) error {
			return match(t, h, hash, home, right)
		}, true},
		{"a neighbour in their /64", nil, func(t *testing.T, h *password.Hasher, hash hub.Secret) error {
			return match(t, h, hash, "2001:db8::2", right)
		}, true},
		{"they from elsewhere", nil, func(t *testing.T, h *password.Hasher, hash hub.Secret) error {
			return match(t, h, hash, away, right)
		}, false},
		{"they from where they gave it before", func(t *testing.T, h *password.Hasher, hash hub.Secret) error {
			return match(t, h, hash, away, right)
		}, func(t *testing.T, h *password.Hasher, hash hub.Secret) error {
			return match(t, h, hash, away, right)
		}, true},
		{"from where a wrong one was given before", func(t *testing.T, h *password.Hasher, hash hub.Secret) error {
			return match(t, h, hash, away, "wrong")
		}, func(t *testing.T, h *password.Hasher, hash hub.Secret) error {
			return match(t, h, hash, away, right)
		}, false},
		{"another account from there", nil, func(t *testing.T, h *password.Hasher, _ hub.Secret) error {
			return h.Burn(from(t, home), hub.NewSecret(right))
		}, false},
		{"a new account from there", nil, func(t *testing.T, h *password.Hasher, _ hub.Secret) error {
			_, err := h.Hash(from(t, home), hub.NewSecret(right))
			return err
		}, false},
		{"who is signed in, from anywhere", nil, func(t *testing.T, h *password.Hasher, _ hub.Secret) error {
			_, err := h.Hash(hub.WithActor(from(t, away), &hub.Actor{User: hub.User{ID: hub.NewID()}}), hub.NewSecret(right))
			return err
		}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				gate := password.NewGate(1, 2, 0)
				h := password.New(4, gate)
				hash, err := h.Hash(from(t, home), hub.NewSecret(right))
				if err != nil {
					t.Fatal(err)
				}
				if tt.before != nil {
					if err := tt.before(t, h, hash); err != nil {
						t.Fatal(err)
					}
				}
				for i := range 10 { // one works, two wait
					go func() { _ = gate.Do(t.Context(), password.Client{Key: fmt.Sprint(i)}, busy(time.Second)) }()
					synctest.Wait()
				}
				if err := tt.asks(t, h, hash); (err == nil) != tt.passes {
					t.Errorf("error %v, want it to pass: %v", err, tt.passes)
				}
				<-time.After(time.Minute)
			})
		})
	}
}
