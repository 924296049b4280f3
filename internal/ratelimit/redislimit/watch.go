package redislimit

import (
	"context"
	"math"
	"time"
)

const (
	calmInterval  = time.Second            // between looks at a Redis that is well
	alertInterval = 250 * time.Millisecond // between looks at one that is away or has just failed
	goodProbes    = 2                      // in a row, after which a Redis that was away is back
)

// probeKey is a key that no request has. Its window is written at each look, so that a Redis that refuses to write is noticed.
const probeKey = "probe"

// Probe looks for Redis once, so that the first request finds it. It takes two seconds at most.
func (s *Server) Probe(ctx context.Context) {
	if err := s.look(ctx); err != nil {
		if ctx.Err() == nil {
			s.goAway(err)
		}
		return
	}
	s.comeBack()
}

// Run watches over Redis until ctx ends: it notices that it went away even if nobody asks, and that it is back. It returns nil.
func (s *Server) Run(ctx context.Context) error {
	good := 0 // looks in a row, at a Redis that is away
	for s.pause(ctx) {
		if s.present.Load() {
			good = 0
		}
		err := s.look(ctx)
		switch {
		case ctx.Err() != nil:
		case err != nil:
			good = 0
			s.failed(err)
		default:
			s.failures.Store(0)
			if good++; good >= goodProbes {
				s.comeBack()
			}
		}
	}
	return nil
}

// pause waits until it is time to look at Redis. It reports false when ctx has ended.
func (s *Server) pause(ctx context.Context) bool {
	interval := calmInterval
	if !s.present.Load() || s.failures.Load() > 0 {
		interval = alertInterval
	}
	timer := time.NewTimer(interval)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// look asks Redis for a decision as a request would. First it sees to a connection, which may take longer.
func (s *Server) look(ctx context.Context) error {
	if !s.present.Load() {
		connecting, cancel := context.WithTimeout(ctx, dialTimeout)
		defer cancel()
		if _, err := s.counter.take(connecting, probeKey, math.MaxInt32, s.now()); err != nil {
			return err
		}
	}
	prompt, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	_, err := s.counter.take(prompt, probeKey, math.MaxInt32, s.now())
	return err
}
