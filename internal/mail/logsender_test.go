package mail

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/a64core/hub"
)

func TestLogSenderRevealsLinksOnlyWhenTold(t *testing.T) {
	t.Parallel()
	for _, reveal := range []bool{true, false} {
		for _, link := range []string{"https://x.io/reset-password?token=s3cr3t", ""} {
			var out bytes.Buffer
			m := message()
			m.Text, m.HTML, m.Link = hub.NewSecret("text "+link), hub.NewSecret("html "+link), hub.NewSecret(link)
			if err := NewLogSender(slog.New(slog.NewTextHandler(&out, nil)), reveal).Send(t.Context(), m); err != nil {
				t.Fatal(err)
			}
			if got, want := strings.Contains(out.String(), "token=s3cr3t"), reveal && link != ""; got != want {
				t.Errorf("reveal %v, link %q: link logged: %v", reveal, link, got)
			}
			if !strings.Contains(out.String(), "to=ada@example.com subject=Grüße") || strings.Contains(out.String(), "html") {
				t.Errorf("logged %s", out.String())
			}
		}
	}
}
