package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/a64core/hub/internal/telemetry/otlp/otlptest"
)

// serving is a server that runs inside the test.
type serving struct {
	address        string
	stdout, stderr *output
	stop           func() int // returns the exit code
}

// serve runs the server until it is stopped, or the test ends.
func (i installation) serve(t *testing.T, args ...string) serving {
	t.Helper()
	s := serving{stdout: newOutput(), stderr: newOutput()}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, append([]string{"serve", "--port=0"}, args...), lookupIn(i.env), strings.NewReader(""), s.stdout, s.stderr)
	}()
	s.stop = sync.OnceValue(func() int {
		cancel()
		return <-ended
	})
	t.Cleanup(func() { s.stop() })
	s.address = s.stderr.wait(t, `msg=serving address=(\S+)`)
	return s
}

func get(t *testing.T, client *http.Client, url string) *http.Response {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		t.Error(err)
	}
	if err := response.Body.Close(); err != nil {
		t.Error(err)
	}
	return response
}

func TestFirstStartTellsWhatToDoNext(t *testing.T) {
	t.Parallel()
	i := install(t)
	s := i.serve(t)
	s.stdout.wait(t, `Your --last-name Name\n\n`)
	for _, part := range []string{"http://" + s.address + "\n", "http://" + s.address + "/api/docs\n", "Mails are not sent"} {
		if !strings.Contains(s.stdout.String(), part) {
			t.Errorf("%q is missing in\n%s", part, s.stdout)
		}
	}
	key, err := os.Stat(filepath.Join(i.dir, "secret_key"))
	if err != nil || key.Mode().Perm() != 0o600 && runtime.GOOS != "windows" {
		t.Errorf("the generated key: %v, %v", key, err)
	}
	// The command that it names works as it stands.
	hint := s.stdout.wait(t, `go run ./cmd/a64core (users create .*)\n`)
	i.do(t, nil, append(strings.Fields(hint), "--password-stdin")...)
	if code := s.stop(); code != exitOK {
		t.Errorf("exit code %d\n%s", code, s.stderr)
	}

	again := i.serve(t)
	again.stdout.wait(t, `\n\n$`)
	if strings.Contains(again.stdout.String(), "users create") {
		t.Errorf("there is a super_admin, yet it says:\n%s", again.stdout)
	}
}

// production are settings that production accepts.
func production(i installation) map[string]string {
	return map[string]string{
		"ENVIRONMENT": "production", "DATA_DIR": i.dir, "SECRET_KEY": testKey, "FRONTEND_URL": "https://app.example.com",
		"MAIL_DRIVER": "smtp", "MAIL_FROM": "hub@example.com", "SMTP_URL": "smtp://127.0.0.1:1",
	}
}

func TestProductionSaysNothingButItsLog(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.env = production(i)
	s := i.serve(t)
	if got := get(t, http.DefaultClient, "http://"+s.address+"/api/docs"); got.StatusCode != http.StatusNotFound {
		t.Errorf("/api/docs answers %d in production", got.StatusCode)
	}
	if code := s.stop(); code != exitOK || s.stdout.String() != "" {
		t.Errorf("exit code %d, standard output %q", code, s.stdout)
	}
}

func TestTheLogTellsTheTraceThatAProblemTells(t *testing.T) {
	t.Parallel()
	i, c := install(t), otlptest.Start(t)
	i.env["OTEL_EXPORTER_OTLP_ENDPOINT"] = c.URL
	s := i.serve(t)
	response, err := http.Get("http://" + s.address + "/api/v1/auth/me")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	var problem struct{ TraceID string }
	if err := json.NewDecoder(response.Body).Decode(&problem); err != nil || len(problem.TraceID) != 32 {
		t.Fatalf("the problem tells %q, %v", problem.TraceID, err)
	}
	s.stderr.wait(t, `msg=request .* trace_id=(`+problem.TraceID+`)\n`)
}

// JWT-30, HDR-04, HDR-08
func TestR35_WrongSettingsEndTheStartWithoutShowingASecret(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, variable, value string
		secret                bool
	}{
		{"no key", "SECRET_KEY", "", false},
		{"key of 31 bytes", "SECRET_KEY", "CANARYqUq2Xyv3bN7sTzKc9wLrJ5Hd0", true},
		{"key of the original system", "SECRET_KEY", "dev_secret_key_change_in_production", true},
		{"the other key of the original system", "SECRET_KEY", "change_this_to_a_secure_random_key_in_production", true},
		{"one character", "SECRET_KEY", strings.Repeat("z", 64), true},
		{"weak former key", "SECRET_KEY_PREVIOUS", strings.Repeat("z", 64), true},
		{"no front end", "FRONTEND_URL", "", false},
		{"front end without TLS", "FRONTEND_URL", "http://app.example.com", false},
		{"debugging", "DEBUG", "true", false},
		{"every origin", "ALLOWED_ORIGINS", "*", false},
		{"every proxy", "TRUSTED_PROXIES", "0.0.0.0/0", false},
		{"cheap hashes", "BCRYPT_COST", "11", false},
		{"mail that goes nowhere", "MAIL_DRIVER", "log", false},
		{"mail server that is none", "SMTP_URL", "http://CANARY:CANARY@127.0.0.1", true},
		{"port out of range", "PORT", "65536", false},
		{"duration without a unit", "ACCESS_TOKEN_TTL", "3600", false},
		{"a word for a number", "RATE_LIMIT_GUEST", "many", false},
		{"database that is not there yet", "DATABASE", "oracle", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			i := install(t)
			i.env = production(i)
			i.env[tt.variable] = tt.value
			got := i.try(t, "serve")
			if got.code != exitFailure || got.stdout != "" || !strings.Contains(got.stderr, "\n"+tt.variable) {
				t.Errorf("got %+v", got)
			}
			if tt.secret && strings.Contains(got.stderr, tt.value) || strings.Contains(got.stderr, "CANARY") || strings.Contains(got.stderr, testKey) {
				t.Errorf("shows a secret: %s", got.stderr)
			}
			if files, err := os.ReadDir(i.dir); err != nil || len(files) > 0 {
				t.Errorf("it has begun to work: %v, %v", files, err)
			}
		})
	}
}

func TestServeRefusesWhatItCannotHave(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() }) // after the parallel subtests
	_, port, err := net.SplitHostPort(ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	certFile, _ := writeCertificate(t, "hub.example.com")
	_, otherKey := writeCertificate(t, "hub.example.com")
	tests := []struct {
		name   string
		args   []string
		stderr string
	}{
		{"port that is taken", []string{"--port", port}, "listen: "},
		{"folder that cannot be", []string{"--data-dir", filepath.Join(certFile, "data")}, "SECRET_KEY: "},
		{"log file that cannot be", []string{"--log-file", filepath.Join(certFile, "log")}, "LOG_FILE: "},
		{"key of another certificate", []string{"--port=0", "--tls-cert-file", certFile, "--tls-key-file", otherKey}, "TLS_CERT_FILE"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := install(t).try(t, append([]string{"serve"}, tt.args...)...)
			if got.code != exitFailure || !strings.Contains(got.stderr, "a64core: "+tt.stderr) && !strings.Contains(got.stderr, tt.stderr) {
				t.Errorf("got %+v", got)
			}
		})
	}
}

// HDR-17
func TestR35_TLSIsServedFromVersion12OnWithoutRedirects(t *testing.T) {
	t.Parallel()
	certFile, keyFile := writeCertificate(t, "hub.example.com")
	i := install(t)
	s := i.serve(t, "--tls-cert-file", certFile, "--tls-key-file", keyFile)
	s.stdout.wait(t, "serves at https://"+s.address)

	pem, err := os.ReadFile(certFile)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: "hub.example.com"}}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	got := get(t, client, "https://"+s.address+"/api/health")
	if got.StatusCode != http.StatusOK || got.TLS.Version < tls.VersionTLS12 || got.Header.Get("Strict-Transport-Security") == "" {
		t.Errorf("over TLS: %d %v", got.StatusCode, got.Header)
	}
	if plain := get(t, client, "http://"+s.address+"/api/health"); plain.StatusCode != http.StatusBadRequest || plain.Header.Get("Location") != "" {
		t.Errorf("without TLS: %d %v", plain.StatusCode, plain.Header)
	}
	for _, version := range []uint16{tls.VersionTLS10, tls.VersionTLS11} {
		c, err := tls.Dial("tcp", s.address, &tls.Config{MinVersion: version, MaxVersion: version, InsecureSkipVerify: true})
		if err == nil {
			t.Errorf("%s is accepted", tls.VersionName(version))
			c.Close()
		}
	}
	_, port, err := net.SplitHostPort(s.address)
	if err != nil {
		t.Fatal(err)
	}
	i.do(t, nil, "healthcheck", "--port", port, "--tls-cert-file", certFile, "--tls-key-file", keyFile)
}

func TestLogFileIsTurnedOverAtTenMegabytes(t *testing.T) {
	t.Parallel()
	i := install(t)
	file := filepath.Join(i.dir, "log", "hub.log")
	if err := os.Mkdir(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	for range 4 {
		if err := os.WriteFile(file, bytes.Repeat([]byte("x"), 10<<20), 0o600); err != nil {
			t.Fatal(err)
		}
		got := i.logTo(t, file)
		if !strings.Contains(got, `"msg":"serving"`) || !json.Valid([]byte(strings.SplitN(got, "\n", 2)[0])) {
			t.Fatalf("the present file: %.300s", got)
		}
	}
	files, err := os.ReadDir(filepath.Dir(file))
	if err != nil || len(files) != 3 {
		t.Errorf("%d files, want 3: %v, %v", len(files), files, err)
	}
}

// logTo serves once with a log file and returns the file's text.
func (i installation) logTo(t *testing.T, file string) string {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	stdout, ended := newOutput(), make(chan int, 1)
	go func() {
		args := []string{"serve", "--port=0", "--log-format=json", "--log-file", file}
		ended <- run(ctx, args, lookupIn(i.env), strings.NewReader(""), stdout, io.Discard)
	}()
	stdout.wait(t, `serves at`)
	cancel()
	if code := <-ended; code != exitOK {
		t.Fatalf("exit code %d", code)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
