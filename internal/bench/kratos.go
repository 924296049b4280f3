package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
)

const (
	kratosName   = "Ory Kratos 1.3.1" // the last release that is a Go module
	kratosModule = "github.com/ory/kratos@v1.3.1"
)

func buildKratos(ctx context.Context) (binary string, err error) {
	return built(kratosName, "kratos", func(dir, path string) error {
		return goBuild(ctx, dir, kratosModule, "-tags", "sqlite,json1", "-o", path, ".")
	})
}

// startKratos serves Ory Kratos on SQLite, with one identity that has a password and a session.
func (b *bench) startKratos(ctx context.Context) (*peer, error) {
	binary, err := buildKratos(ctx)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(b.dir, "kratos-")
	if err != nil {
		return nil, fmt.Errorf("make a folder: %w", err)
	}
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	file, err := writeKratosConfig(dir, addr)
	if err != nil {
		return nil, err
	}
	if out, err := exec.CommandContext(ctx, binary, "migrate", "sql", "up", "--read-from-env", "--yes", "--config", file).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%s: migrate: %w\n%s", kratosName, err, out)
	}
	server, err := start(ctx, addr, "/health/alive", exec.CommandContext(ctx, binary, "serve", "--config", file))
	if err != nil {
		return nil, err
	}
	b.cleanups = append(b.cleanups, server.stop)
	return (&kratos{asker{kratosName, addr}}).signUp(ctx, server)
}

// writeKratosConfig writes what Kratos needs to serve at addr, and returns the file's name. JSON is YAML too.
func writeKratosConfig(dir, addr string) (string, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return "", fmt.Errorf("split an address: %w", err)
	}
	admin, err := freeAddr()
	if err != nil {
		return "", err
	}
	_, adminPort, err := net.SplitHostPort(admin)
	if err != nil {
		return "", fmt.Errorf("split an address: %w", err)
	}
	schema := filepath.Join(dir, "identity.json")
	config := filepath.Join(dir, "kratos.json")
	for name, text := range map[string]string{
		schema: `{"$schema": "http://json-schema.org/draft-07/schema#", "type": "object", "properties": {"traits": {"type": "object",
			"properties": {"email": {"type": "string", "format": "email", "ory.sh/kratos": {"credentials": {"password": {"identifier": true}}}}},
			"required": ["email"], "additionalProperties": false}}}`,
		config: fmt.Sprintf(`{"dsn": "sqlite://%s?_fk=true&mode=rwc&_journal_mode=WAL&_busy_timeout=10000",
			"serve": {"public": {"base_url": "http://%s/", "host": %q, "port": %s}, "admin": {"host": %q, "port": %s}},
			"selfservice": {"default_browser_return_url": "http://%s/", "methods": {"password": {"enabled": true, "config": {"haveibeenpwned_enabled": false}}},
				"flows": {"registration": {"after": {"password": {"hooks": [{"hook": "session"}]}}}}},
			"identity": {"default_schema_id": "default", "schemas": [{"id": "default", "url": "file://%s"}]},
			"hashers": {"algorithm": "bcrypt", "bcrypt": {"cost": %d}}, "log": {"level": "error"},
			"secrets": {"cookie": ["a secret that only a benchmark knows"], "cipher": ["32 bytes that a benchmark knows."]},
			"courier": {"smtp": {"connection_uri": "smtp://127.0.0.1:9/"}}}`,
			filepath.Join(dir, "kratos.db"), addr, host, port, host, adminPort, addr, schema, cost),
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			return "", fmt.Errorf("write a file: %w", err)
		}
	}
	return config, nil
}

type kratos struct{ asker }

// flow begins a registration or a login and returns its id.
func (k *kratos) flow(ctx context.Context, kind string) (string, error) {
	var flow struct{ ID string }
	err := k.ask(ctx, 200, newRequest("GET", "/self-service/"+kind+"/api", "", nil), &flow)
	return flow.ID, err
}

func (k *kratos) signUp(ctx context.Context, server *process) (*peer, error) {
	flow, err := k.flow(ctx, "registration")
	if err != nil {
		return nil, err
	}
	body, err := json.Marshal(map[string]any{"method": "password", "password": password, "traits": map[string]string{"email": email(0)}})
	if err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	var session struct {
		Token string `json:"session_token"`
	}
	if err := k.ask(ctx, 200, newRequest("POST", "/self-service/registration?flow="+flow, "", body), &session); err != nil {
		return nil, err
	}
	return &peer{name: kratosName, server: server, me: newRequest("GET", "/sessions/whoami", session.Token, nil), logins: k.logins}, nil
}

// logins begins n flows of logins. What is measured is their second half, in which the password is compared.
func (k *kratos) logins(ctx context.Context, n int) (func(int) func([]byte) request, error) {
	requests := make([]request, n)
	err := each(n, func(i int) error {
		flow, err := k.flow(ctx, "login")
		requests[i] = newRequest("POST", "/self-service/login?flow="+flow, "", fmt.Appendf(nil,
			`{"method":"password","identifier":%q,"password":%q}`, email(0), password))
		return err
	})
	var used atomic.Int64
	return func(int) func([]byte) request {
		return func([]byte) request {
			if i := int(used.Add(1)); i <= n {
				return requests[i-1]
			}
			return nil
		}
	}, err
}
