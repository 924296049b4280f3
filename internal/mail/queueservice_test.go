package mail

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/a64core/hub"
)

// The mail rests as long as the other side asks, within reason, and never shorter than it would have.
func TestPauseOfTheOtherSideIsHonoured(t *testing.T) {
	t.Parallel()
	for pause, want := range map[time.Duration][2]time.Duration{
		0: {30 * time.Second, time.Minute}, time.Second: {30 * time.Second, time.Minute}, 10 * time.Minute: {10 * time.Minute, 10 * time.Minute},
		24 * time.Hour: {time.Hour, time.Hour},
	} {
		store := newMailStore(queued("a", noon))
		q := newQueue(t, store, &outbox{do: func(context.Context, Message) error {
			return &failure{text: "busy", pause: pause}
		}}, (&stepClock{now: noon}).Now)
		if _, err := q.DeliverDue(t.Context()); err != nil {
			t.Fatal(err)
		}
		if rest := store.only(t).DueAt.Sub(noon); rest < want[0] || rest > want[1] {
			t.Errorf("asked for %v: rests for %v, want %v", pause, rest, want)
		}
	}
}

// A mail from the queue to each service: refused for now, then accepted; or refused for good.
func TestQueueOverServices(t *testing.T) {
	t.Parallel()
	for name, newSender := range drivers() {
		for _, final := range []hub.MailState{hub.MailSent, hub.MailDead} {
			t.Run(name+"/"+string(final), func(t *testing.T) {
				t.Parallel()
				calls := 0
				service := startService(t, false, func(w http.ResponseWriter, r *http.Request) {
					calls++
					switch {
					case calls == 1:
						says(503, "ada@example.com", "Retry-After", "1800")(w, r)
					case final == hub.MailDead:
						says(413, "ada@example.com")(w, r)
					default:
						serviceAccepts(w, r)
					}
				})
				store, clock := newMailStore(queued("a", noon)), &stepClock{now: noon}
				q := newQueue(t, store, newSender(t, service.url, WebConfig{}), clock.Now)
				for _, at := range []time.Duration{0, 29 * time.Minute, 31 * time.Minute} {
					clock.set(noon.Add(at))
					if _, err := q.DeliverDue(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
				got := store.only(t)
				if got.State != final || got.Attempts != 2 || strings.Contains(got.LastError, "ada@") || (got.LastError == "") != (final == hub.MailSent) {
					t.Errorf("%s after %d attempts: %s", got.State, got.Attempts, got.LastError)
				}
			})
		}
	}
}
