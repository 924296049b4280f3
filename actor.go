package hub

import (
	"context"
	"net/netip"
)

// Actor is the signed-in user who asks, as the database had it when the request was authenticated.
type Actor struct {
	User    User
	Session Session
}

// Origin is where a request comes from.
type Origin struct {
	IP        string
	UserAgent string
	RequestID string
}

// Network returns what strangers are told apart by: the address, or the /64 of an IPv6 address, which is one customer's.
func (o Origin) Network() string {
	address, err := netip.ParseAddr(o.IP)
	if err != nil || address.Is4() {
		return o.IP
	}
	prefix, err := address.Prefix(64)
	if err != nil {
		return o.IP
	}
	return prefix.String()
}

type (
	actorKey  struct{}
	originKey struct{}
)

// WithActor returns a context that carries the actor, who may be shared: nobody writes into it.
func WithActor(ctx context.Context, a *Actor) context.Context {
	return context.WithValue(ctx, actorKey{}, a)
}

// ActorFrom returns the actor that ctx carries, if any.
func ActorFrom(ctx context.Context) (Actor, bool) {
	a, ok := ctx.Value(actorKey{}).(*Actor)
	if !ok {
		return Actor{}, false
	}
	return *a, true
}

// WithOrigin returns a context that carries the origin.
func WithOrigin(ctx context.Context, o Origin) context.Context {
	return context.WithValue(ctx, originKey{}, o)
}

// OriginFrom returns the origin that ctx carries, or the zero Origin.
func OriginFrom(ctx context.Context) Origin {
	o, _ := ctx.Value(originKey{}).(Origin)
	return o
}
