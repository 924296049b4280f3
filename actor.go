package hub

import "context"

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
