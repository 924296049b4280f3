// Package redislimit limits requests across instances: its [Limiter] counts in Redis, in one atomic script that computes the
// window of internal/ratelimit, and passes the same tests.
//
// The clock is that of Redis, so that instances whose clocks differ agree. Keys are keyed hashes and expire a minute after
// their last use.
//
// No failure of Redis reaches a request: what Redis does not decide within [Timeout] is decided by a window in this process.
// A [Server] that fails three times in a row counts as away; then nothing waits for it but [Server.Run], which looks
// whether it is back. This process counts in its own window whatever Redis admits, and for a minute after Redis may have
// missed a request both must admit. So however often Redis comes and goes, no process admits more than the limit in a
// minute. A Redis that is emptied forgets, and no more.
package redislimit
