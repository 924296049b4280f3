package main

import (
	"context"
	"regexp"
	"sync"
	"testing"
	"time"
)

// output keeps what a program writes, for a test that waits for something of it.
type output struct {
	mu      sync.Mutex
	text    []byte
	changed chan struct{} // closed by the next write
}

func newOutput() *output { return &output{changed: make(chan struct{})} }

// Write implements io.Writer.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.text = append(o.text, p...)
	close(o.changed)
	o.changed = make(chan struct{})
	return len(p), nil
}

// String returns what has been written so far.
func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return string(o.text)
}

// wait waits until what was written matches the pattern, and returns its last group, or the whole match.
func (o *output) wait(t *testing.T, pattern string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	expression := regexp.MustCompile(pattern)
	for {
		o.mu.Lock()
		match, changed := expression.FindSubmatch(o.text), o.changed
		o.mu.Unlock()
		if match != nil {
			return string(match[len(match)-1])
		}
		select {
		case <-changed:
		case <-ctx.Done():
			t.Fatalf("nothing matches %s in:\n%s", pattern, o)
		}
	}
}
