package hubtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
)

// Answer is what the hub answered.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Request is one request to the hub.
type Request struct {
	Method string
	Path   string // with the query
	Token  string // bearer; empty: none
	Body   any    // nil: none; string or []byte: as it is; anything else: as JSON
	Header map[string]string
}

// Do sends a request and returns the answer, whatever it is. The test ends if there is none.
func (h *Hub) Do(t testing.TB, r Request) Answer {
	t.Helper()
	a, err := h.Try(t, r)
	if err != nil {
		t.Fatalf("%s %s: %v", r.Method, r.Path, err)
	}
	return a
}

// Try is Do for tests in which there may be no answer.
func (h *Hub) Try(t testing.TB, r Request) (a Answer, err error) {
	t.Helper()
	var body io.Reader
	switch b := r.Body.(type) {
	case nil:
	case string:
		body = strings.NewReader(b)
	case []byte:
		body = bytes.NewReader(b)
	default:
		text, err := json.Marshal(b)
		if err != nil {
			t.Fatalf("encode body: %v", err)
		}
		body = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(t.Context(), r.Method, h.URL+r.Path, body)
	if err != nil {
		t.Fatalf("make request: %v", err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if r.Token != "" {
		req.Header.Set("Authorization", "Bearer "+r.Token)
	}
	for name, value := range r.Header {
		req.Header.Set(name, value)
	}
	resp, err := h.HTTP.Do(req)
	if err != nil {
		return Answer{}, err
	}
	defer func() { err = errors.Join(err, resp.Body.Close()) }()
	text, err := io.ReadAll(resp.Body)
	return Answer{Status: resp.StatusCode, Header: resp.Header, Body: text}, err
}

// Want ends the test unless the answer has the status, and, if a code is given, is a problem with that code.
func (a Answer) Want(t testing.TB, status int, code ...string) Answer {
	t.Helper()
	if a.Status != status {
		t.Fatalf("status %d, want %d: %s", a.Status, status, a.Body)
	}
	if len(code) > 0 && a.Code() != code[0] {
		t.Fatalf("code %q, want %q: %s", a.Code(), code[0], a.Body)
	}
	return a
}

// Code returns the problem's code, or "" if the answer is none.
func (a Answer) Code() string {
	var p struct{ Code string }
	if json.Unmarshal(a.Body, &p) != nil {
		return ""
	}
	return p.Code
}

// Fields returns the locations that a problem complains about.
func (a Answer) Fields(t testing.TB) []string {
	t.Helper()
	var p struct{ Errors []struct{ Location string } }
	a.Into(t, &p)
	var fields []string
	for _, e := range p.Errors {
		fields = append(fields, e.Location)
	}
	return fields
}

// Into decodes the answer's JSON.
func (a Answer) Into(t testing.TB, v any) {
	t.Helper()
	if err := json.Unmarshal(a.Body, v); err != nil {
		t.Fatalf("decode %q: %v", a.Body, err)
	}
}

// JSON returns the answer as a map.
func (a Answer) JSON(t testing.TB) map[string]any {
	t.Helper()
	var m map[string]any
	a.Into(t, &m)
	return m
}
