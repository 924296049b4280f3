package otlptest

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	coltrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// Collector takes spans until its test ends.
type Collector struct {
	URL string // its base, for OTEL_EXPORTER_OTLP_ENDPOINT

	refusal atomic.Int64 // the status to answer instead of 200; 0: none

	mu     sync.Mutex
	spans  []Span
	about  map[string]string
	header http.Header
	raw    bytes.Buffer
}

// Span is a span as it arrived. Ids are in hexadecimal digits.
type Span struct {
	*trace.Span

	TraceID, SpanID, ParentID string
	Attributes                map[string]string
}

// Start starts a collector.
func Start(t testing.TB) *Collector {
	t.Helper()
	c := new(Collector)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { c.serve(t, w, r) }))
	t.Cleanup(server.Close)
	c.URL = server.URL
	return c
}

// Refuse has the collector answer every request with the status from now on, and take none of its spans; 0 ends that.
func (c *Collector) Refuse(status int) { c.refusal.Store(int64(status)) }

func (c *Collector) serve(t testing.TB, w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost || r.URL.Path != "/v1/traces" || r.Header.Get("Content-Type") != "application/x-protobuf" {
		t.Errorf("the collector was asked %s %s with %q", r.Method, r.URL, r.Header.Get("Content-Type"))
		http.NotFound(w, r)
		return
	}
	if status := int(c.refusal.Load()); status != 0 {
		w.WriteHeader(status)
		return
	}
	body, err := readAll(r)
	var request coltrace.ExportTraceServiceRequest
	if err == nil {
		err = proto.Unmarshal(body, &request)
	}
	if err != nil {
		t.Errorf("what the collector was sent cannot be read: %v", err)
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	c.keep(r.Header, body, &request)
	w.Header().Set("Content-Type", "application/x-protobuf") // and an empty message: all of it was taken
}

func readAll(r *http.Request) ([]byte, error) {
	if r.Header.Get("Content-Encoding") != "gzip" {
		return io.ReadAll(r.Body)
	}
	text, err := gzip.NewReader(r.Body)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(text)
}

func (c *Collector) keep(header http.Header, body []byte, request *coltrace.ExportTraceServiceRequest) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.header = header.Clone()
	c.raw.Write(body)
	for _, from := range request.GetResourceSpans() {
		c.about = attributes(from.GetResource().GetAttributes())
		for _, scope := range from.GetScopeSpans() {
			for _, s := range scope.GetSpans() {
				c.spans = append(c.spans, Span{
					Span: s, TraceID: hex.EncodeToString(s.GetTraceId()), SpanID: hex.EncodeToString(s.GetSpanId()),
					ParentID: hex.EncodeToString(s.GetParentSpanId()), Attributes: attributes(s.GetAttributes()),
				})
			}
		}
	}
}

func attributes(all []*common.KeyValue) map[string]string {
	m := make(map[string]string, len(all))
	for _, a := range all {
		switch v := a.GetValue().GetValue().(type) {
		case *common.AnyValue_StringValue:
			m[a.GetKey()] = v.StringValue
		default:
			m[a.GetKey()] = strconv.FormatInt(a.GetValue().GetIntValue(), 10)
		}
	}
	return m
}

// Spans returns all spans that have arrived, in the order in which they began.
func (c *Collector) Spans() []Span {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.SortedStableFunc(slices.Values(c.spans), func(a, b Span) int {
		return cmp.Compare(a.GetStartTimeUnixNano(), b.GetStartTimeUnixNano())
	})
}

// Below returns the spans whose parent is the given one.
func (c *Collector) Below(parent Span) []Span {
	return slices.DeleteFunc(c.Spans(), func(s Span) bool { return s.TraceID != parent.TraceID || s.ParentID != parent.SpanID })
}

// About returns the attributes of what sent the last spans.
func (c *Collector) About() map[string]string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.about
}

// Header returns the headers of the last request.
func (c *Collector) Header() http.Header {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.header
}

// Raw returns every byte that has arrived, uncompressed.
func (c *Collector) Raw() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.raw.Bytes())
}
