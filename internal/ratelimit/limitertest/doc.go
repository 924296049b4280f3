// Package limitertest is the definition of a [ratelimit.Limiter], as tests that every implementation passes.
package limitertest
