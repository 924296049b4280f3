// Package password says which passwords are good enough, keeps them as hashes, and bounds what hashing may cost.
//
//   - [Policy] judges a new password.
//   - [Hasher] makes hashes and compares them. It also verifies those of the original system, and those of
//     others that [Adopt] takes.
//   - [Gate] lets a few of them work at a time, since each takes about a quarter of a second of a core.
//
// The package knows no accounts. Who may try how often is for package ratelimit to say, and what follows from a right or
// wrong password for package auth.
//
// # One form
//
// Passwords are compared in the OpaqueString form of RFC 8265: whether a letter came composed or decomposed, and which
// of Unicode's spaces was typed, makes no difference. Everything else does: case, spaces at either end, every byte.
// [Policy] and [Hasher] both take passwords as they were sent and bring them into this form themselves.
package password
