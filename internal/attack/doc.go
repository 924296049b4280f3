// Package attack holds no code of the hub, only tests that attack it as a whole: a fuzz of every operation, made from the
// document that the hub serves, bodies of every nasty shape, and floods of addresses. They talk to the hub over HTTP alone. A
// short form runs with all other tests; the whole one, minutes long, with `make soak`.
package attack
