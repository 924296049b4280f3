// Package token makes and checks the JSON Web Tokens (RFC 7519) of the hub. It is pure: no clock, no store, no network.
//
// It owns what a token says, who signed it, what it is for and until when. Whether the session, the account or the mail
// token behind it still stands is the business of package auth, which asks the store.
//
// # What is accepted
//
// One algorithm, HS256, with keys from the configuration only (RFC 8725, sections 3.1 and 3.10): nothing in a token
// chooses a key. The payload is not even decoded before the MAC is right. Each [Kind] carries its own claims, no fewer
// and no more, so that no token can serve the purpose of another (RFC 8725, section 3.12). Every refusal is the one
// [ErrInvalid], except that a token in which only the time is wrong gives [ErrExpired].
//
// # Time
//
// A token is expired from the second in `exp` on, without leeway. `iat` and `nbf` may lie 30 s ahead, for clocks of
// several instances that differ.
package token
