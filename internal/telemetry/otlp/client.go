package otlp

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"time"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/a64core/hub"
)

const (
	sendTimeout = 10 * time.Second
	firstPause  = time.Second     // before a batch is tried again; each further one is twice as long,
	longestWait = 5 * time.Second // up to this
	maxAnswer   = 64 << 10        // bytes that are read of an answer
	contentType = "application/x-protobuf"
)

// client posts spans to a collector. OpenTelemetry has one as well, but it brings gRPC along, which nobody here speaks and which is
// a twentieth of the program.
type client struct {
	http    *http.Client
	url     string
	headers map[string]hub.Secret
	agent   string

	stopped context.Context // ends what is on its way
	stop    context.CancelFunc
}

func newClient(c Config, transport http.RoundTripper) *client {
	stopped, stop := context.WithCancel(context.Background())
	return &client{
		http: &http.Client{
			Transport: transport, Timeout: sendTimeout,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // the headers are for the collector
		},
		url: c.Endpoint.JoinPath("v1", "traces").String(), headers: c.Headers, agent: "a64core/" + c.Service.Version,
		stopped: stopped, stop: stop,
	}
}

// Start implements [otlptrace.Client]. Connections are made when there is something to send.
func (c *client) Start(context.Context) error { return nil }

// Stop implements [otlptrace.Client]: it interrupts what is on its way.
func (c *client) Stop(context.Context) error { c.stop(); return nil }

// UploadTraces implements [otlptrace.Client]. It tries again, until ctx ends, if the collector or the network is only busy.
func (c *client) UploadTraces(ctx context.Context, spans []*tracepb.ResourceSpans) error {
	body, err := encode(spans)
	if err != nil {
		return fmt.Errorf("encode spans: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(c.stopped, cancel)()
	for pause := firstPause; ; pause = min(2*pause, longestWait) {
		err := c.post(ctx, body)
		var busy *busyError
		if !errors.As(err, &busy) || !wait(ctx, max(busy.after, pause/2+rand.N(pause))) {
			return err
		}
	}
}

// encode returns a request of the protocol, which has the same form as a file of spans.
func encode(spans []*tracepb.ResourceSpans) ([]byte, error) {
	message, err := proto.Marshal(&tracepb.TracesData{ResourceSpans: spans})
	if err != nil {
		return nil, err
	}
	var body bytes.Buffer
	w := gzip.NewWriter(&body)
	if _, err = w.Write(message); err == nil {
		err = w.Close()
	}
	return body.Bytes(), err
}

// wait reports whether it waited, rather than find that ctx ends before.
func wait(ctx context.Context, d time.Duration) bool {
	if end, ok := ctx.Deadline(); ok && time.Until(end) < d {
		return false
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// busyError is a failure that may pass.
type busyError struct {
	error
	after time.Duration // in which the collector wants no request
}

func (e *busyError) Unwrap() error { return e.error }

// post sends a batch once.
func (c *client) post(ctx context.Context, body []byte) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("User-Agent", c.agent)
	for name, value := range c.headers {
		r.Header.Set(name, value.Reveal())
	}
	r.Header.Set("Content-Type", contentType)
	r.Header.Set("Content-Encoding", "gzip")
	answer, err := c.http.Do(r)
	if err != nil {
		if timeout := net.Error(nil); errors.As(err, &timeout) && timeout.Timeout() {
			return &busyError{error: err}
		}
		return err
	}
	defer func() { _ = answer.Body.Close() }() // it was only read
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	return judge(answer, text)
}

// judge returns the error that an answer tells of (OTLP 1.9, "OTLP/HTTP Response").
func judge(answer *http.Response, text []byte) error {
	switch {
	case answer.StatusCode >= 200 && answer.StatusCode <= 299:
		if answer.Header.Get("Content-Type") != contentType {
			return nil
		}
		return rejection(text)
	case answer.StatusCode == http.StatusTooManyRequests, answer.StatusCode == http.StatusBadGateway,
		answer.StatusCode == http.StatusServiceUnavailable, answer.StatusCode == http.StatusGatewayTimeout:
		seconds, _ := strconv.ParseUint(answer.Header.Get("Retry-After"), 10, 20) // 0 will do
		return &busyError{fmt.Errorf("the collector is busy: %s", answer.Status), time.Duration(seconds) * time.Second}
	}
	return fmt.Errorf("the collector refused: %s: %s", answer.Status, bytes.TrimSpace(text))
}
