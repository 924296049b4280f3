// Package storetest is the definition of a [hub.Store] in the form of tests: whatever passes [Run] keeps the promises
// that services rely on. It also has [Faulty], a store that fails on cue, for the tests of those who use a store.
//
// The tests use a store through its interface alone and know no backend.
package storetest
