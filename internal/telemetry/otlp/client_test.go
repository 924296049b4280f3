package otlp

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	coltrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"
)

// collectorFunc answers requests in the place of a network.
type collectorFunc func(n int) (status int, header, body string)

// ask has a client send nothing to a collector, and returns how often it asked, how long that took, and what came of it.
func (f collectorFunc) ask(t *testing.T) (asked int, took time.Duration, err error) {
	t.Helper()
	c := newClient(Config{Endpoint: &url.URL{Scheme: "http", Host: "collector"}}, roundTrip(func(r *http.Request) (*http.Response, error) {
		asked++
		status, header, body := f(asked)
		w := httptest.NewRecorder()
		name, value, _ := strings.Cut(header, ": ")
		w.Header().Set(name, value)
		w.WriteHeader(status)
		_, _ = w.WriteString(body)
		answer := w.Result()
		answer.Request = r
		return answer, nil
	}))
	ctx, cancel := context.WithTimeout(t.Context(), exportTimeout)
	defer cancel()
	began := time.Now()
	err = c.UploadTraces(ctx, nil)
	return asked, time.Since(began), err
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestABusyCollectorIsAskedAgain(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, header    string
		statuses        []int // the last one again and again
		asked           int   // 0: any number
		atLeast, atMost time.Duration
		says            string
	}{
		{name: "taken", statuses: []int{200}, asked: 1},
		{name: "busy twice", statuses: []int{503, 429, 200}, asked: 3, atLeast: time.Second, atMost: 5 * time.Second},
		{name: "busy for a known time", header: "Retry-After: 20", statuses: []int{503, 200}, asked: 2, atLeast: 20 * time.Second, atMost: 20 * time.Second},
		{name: "busy for longer than a batch has", header: "Retry-After: 60", statuses: []int{429}, asked: 1, says: "busy: 429"},
		{name: "busy for good", statuses: []int{502}, atLeast: 20 * time.Second, atMost: exportTimeout, says: "busy: 502"},
		{name: "refused", statuses: []int{400}, asked: 1, says: "refused: 400"},
		{name: "elsewhere", header: "Location: http://other/", statuses: []int{307}, asked: 1, says: "refused: 307"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				asked, took, err := collectorFunc(func(n int) (int, string, string) {
					return tt.statuses[min(n, len(tt.statuses))-1], tt.header, ""
				}).ask(t)
				if tt.asked != 0 && asked != tt.asked || took < tt.atLeast || took > tt.atMost {
					t.Errorf("asked %d times in %v", asked, took)
				}
				if (err == nil) != (tt.says == "") || err != nil && !strings.Contains(err.Error(), tt.says) {
					t.Errorf("got %v, want %q", err, tt.says)
				}
			})
		})
	}
}

func TestSpansThatACollectorRejectsAreLost(t *testing.T) {
	t.Parallel()
	answer, err := proto.Marshal(&coltrace.ExportTraceServiceResponse{
		PartialSuccess: &coltrace.ExportTracePartialSuccess{RejectedSpans: 3, ErrorMessage: "too old"},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ kind, answer, want string }{
		{contentType, string(answer), "the collector rejected 3 spans: too old"},
		{contentType, "", ""},
		{contentType, "<html>", errAnswer.Error()},
		{"text/html", "<html>", ""},
	} {
		_, _, err := collectorFunc(func(int) (int, string, string) { return 200, "Content-Type: " + tt.kind, tt.answer }).ask(t)
		if got := errorText(err); got != tt.want {
			t.Errorf("%q as %s: got %q, want %q", tt.answer, tt.kind, got, tt.want)
		}
	}
}

func TestTheEndInterruptsWhatIsOnItsWay(t *testing.T) {
	t.Parallel()
	asked := make(chan bool, 1)
	slow := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // else the server does not notice that the client is gone
		asked <- true
		<-r.Context().Done()
	}))
	defer slow.Close()
	u, err := url.Parse(slow.URL)
	if err != nil {
		t.Fatal(err)
	}
	c := newClient(Config{Endpoint: u}, http.DefaultTransport)
	done := make(chan error)
	go func() { done <- c.UploadTraces(t.Context(), nil) }()
	<-asked
	_ = c.Stop(t.Context())
	if err := <-done; err == nil {
		t.Error("no error")
	}
}

func FuzzRejection(f *testing.F) {
	f.Add([]byte("\x0a\x07\x08\x03\x12\x03old"))
	f.Add([]byte("\x0a\x02\x08\x01\x0a\x02\x10\x01"))
	f.Fuzz(func(t *testing.T, answer []byte) {
		var want coltrace.ExportTraceServiceResponse
		if proto.Unmarshal(answer, &want) != nil {
			_ = rejection(answer) // whatever it is
			return
		}
		part := want.GetPartialSuccess()
		if got := rejection(answer); (got != nil) != (part.GetRejectedSpans() != 0 || part.GetErrorMessage() != "") {
			t.Errorf("got %v, want %v", got, part)
		}
	})
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
