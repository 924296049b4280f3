// Package spent packs the refresh tokens that a session has spent of late. A session is written with all of them at each
// refresh, so every byte counts: a token takes 58 of them, which would be 182 as JSON.
package spent
