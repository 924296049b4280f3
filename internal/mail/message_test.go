package mail

import (
	"errors"
	"io"
	"mime"
	"mime/multipart"
	netmail "net/mail"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/a64core/hub"
)

func message() Message {
	return Message{
		ID:      "1.1@example.com",
		Date:    time.Date(2026, 1, 2, 15, 4, 5, 0, time.UTC),
		From:    netmail.Address{Name: "Hub", Address: "hub@example.com"},
		To:      "ada@example.com",
		Subject: "Grüße",
		Text:    hub.NewSecret("Hello Zoë,\n\n.\n..\nMAIL FROM:<x@y>\n" + strings.Repeat("long ", 300) + "\n"),
		HTML:    hub.NewSecret("<p>Hello Zoë</p>\n"),
	}
}

// readMIME parses what mime wrote as a receiver would.
func readMIME(t testing.TB, raw []byte) (header netmail.Header, parts map[string]string) {
	t.Helper()
	parsed, err := netmail.ReadMessage(strings.NewReader(string(raw)))
	if err != nil {
		t.Fatal(err)
	}
	kind, params, err := mime.ParseMediaType(parsed.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		t.Fatalf("content type %q: %v", kind, err)
	}
	parts = map[string]string{}
	for r := multipart.NewReader(parsed.Body, params["boundary"]); ; {
		p, err := r.NextPart() // decodes quoted-printable
		if errors.Is(err, io.EOF) {
			return parsed.Header, parts
		}
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(p)
		if err != nil {
			t.Fatal(err)
		}
		parts[p.Header.Get("Content-Type")] = strings.ReplaceAll(string(body), "\r\n", "\n")
	}
}

func TestMIME(t *testing.T) {
	t.Parallel()
	m := message()
	raw, err := m.mime()
	if err != nil {
		t.Fatal(err)
	}
	header, parts := readMIME(t, raw)
	subject, err := new(mime.WordDecoder).DecodeHeader(header.Get("Subject"))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][]string{
		"From": {`"Hub" <hub@example.com>`}, "To": {"<ada@example.com>"}, "Message-Id": {"<1.1@example.com>"},
		"Date": {"Fri, 02 Jan 2026 15:04:05 +0000"}, "Auto-Submitted": {"auto-generated"}, "X-Auto-Response-Suppress": {"All"},
		"Mime-Version": {"1.0"}, "Subject": header["Subject"], "Content-Type": header["Content-Type"],
	}
	if diff := cmp.Diff(want, map[string][]string(header)); diff != "" {
		t.Errorf("header (-want +got):\n%s", diff)
	}
	if subject != m.Subject {
		t.Errorf("subject %q, want %q", subject, m.Subject)
	}
	wantParts := map[string]string{"text/plain; charset=UTF-8": m.Text.Reveal(), "text/html; charset=UTF-8": m.HTML.Reveal()}
	if diff := cmp.Diff(wantParts, parts); diff != "" {
		t.Errorf("parts (-want +got):\n%s", diff)
	}
	for line := range strings.SplitSeq(string(raw), "\r\n") {
		if len(line) > 78 || strings.ContainsAny(line, "\r\n") {
			t.Errorf("line of %d bytes, or one with a bare CR or LF: %q", len(line), line)
		}
	}
}

func TestMIMERefusesAddressesThatAreMore(t *testing.T) {
	t.Parallel()
	for _, to := range []string{
		"", "ada", "a@x.io,b@x.io", "a@x.io b@x.io", "Ada <a@x.io>", "<a@x.io>", "a@x.io\r\nBcc: b@x.io", "a@x.io\nX: y",
		"a@x.io;b@x.io", "(c)a@x.io", `"a b"@x.io`, "a@[127.0.0.1]", "ä@x.io", "a@x.io\x00",
	} {
		m := message()
		m.To = to
		if _, err := m.mime(); err == nil {
			t.Errorf("recipient %q accepted", to)
		}
		m = message()
		m.From.Address = to
		if _, err := m.mime(); err == nil {
			t.Errorf("sender %q accepted", to)
		}
	}
}

func FuzzMIMEHeadersCannotBeInjected(f *testing.F) {
	f.Add("Subject", "Hub", "1@x", "a@x.io")
	f.Add("S\r\nBcc: b@x.io", "N\r\nBcc: b@x.io", "1@x>\r\nBcc: b@x.io", "a@x.io\r\nBcc: b@x.io")
	f.Add("S\r\n\r\nbody", "\"<b@x.io>", "1 2", "a@x.io>")
	f.Add("=?utf-8?q?=0D=0ABcc:_b@x.io?=", "=?utf-8?q?a?=", "é", "a+b@x.io")
	f.Fuzz(func(t *testing.T, subject, name, id, to string) {
		m := message()
		m.Subject, m.From.Name, m.ID, m.To = subject, name, id, to
		raw, err := m.mime()
		if err != nil {
			return
		}
		header, parts := readMIME(t, raw)
		if len(header) != 9 || len(parts) != 2 {
			t.Fatalf("%d headers, %d parts", len(header), len(parts))
		}
		for field, values := range header {
			if len(values) != 1 {
				t.Errorf("%s occurs %d times", field, len(values))
			}
		}
		if got, err := header.AddressList("To"); err != nil || len(got) != 1 || got[0].Address != to {
			t.Errorf("recipient %q became %v, %v", to, got, err)
		}
		if got, err := header.AddressList("From"); err != nil || len(got) != 1 || got[0].Address != m.From.Address {
			t.Errorf("sender became %v, %v", got, err)
		}
	})
}
