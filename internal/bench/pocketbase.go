package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

const (
	pocketBaseName    = "PocketBase 0.39.2"
	pocketBaseProgram = "github.com/pocketbase/pocketbase/examples/base@v0.39.2"
)

func buildPocketBase(ctx context.Context) (binary string, err error) {
	return built(pocketBaseName, "base", func(dir, _ string) error { return goInstall(ctx, dir, pocketBaseProgram) })
}

// startPocketBase serves PocketBase as it comes, which has no limits, with one account in its collection of users. Of its settings
// the cost of passwords alone is another: ours.
func (b *bench) startPocketBase(ctx context.Context) (*peer, error) {
	dir, err := os.MkdirTemp(b.dir, "pocketbase-")
	if err != nil {
		return nil, fmt.Errorf("make a folder: %w", err)
	}
	binary, err := buildPocketBase(ctx)
	if err != nil {
		return nil, err
	}
	data := filepath.Join(dir, "data")
	if out, err := exec.CommandContext(ctx, binary, "superuser", "upsert", email(0), password, "--dir", data).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%s: make a superuser: %w\n%s", pocketBaseName, err, out)
	}
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	server, err := start(ctx, addr, "/api/health", exec.CommandContext(ctx, binary, "serve", "--http", addr, "--dir", data))
	if err != nil {
		return nil, err
	}
	b.cleanups = append(b.cleanups, server.stop)
	p := &pocketBase{asker{pocketBaseName, addr}}
	if err := p.setCost(ctx); err != nil {
		return nil, err
	}
	return p.signUp(ctx, server)
}

type pocketBase struct{ asker }

const pocketBaseUsers = "/api/collections/users"

// pocketBaseSession is the answer to a login.
type pocketBaseSession struct {
	Token  string
	Record struct{ ID string }
}

func pocketBaseLogin(collection string) request {
	return newRequest("POST", "/api/collections/"+collection+"/auth-with-password", "", fmt.Appendf(nil, `{"identity":%q,"password":%q}`, email(0), password))
}

// setCost has passwords hashed at the same cost as the hub's.
func (p *pocketBase) setCost(ctx context.Context) error {
	var root pocketBaseSession
	if err := p.ask(ctx, 200, pocketBaseLogin("_superusers"), &root); err != nil {
		return err
	}
	var collection struct {
		Fields []map[string]any `json:"fields"`
	}
	if err := p.ask(ctx, 200, newRequest("GET", pocketBaseUsers, root.Token, nil), &collection); err != nil {
		return err
	}
	found := false
	for _, field := range collection.Fields {
		if field["name"] == "password" {
			field["cost"], found = cost, true
		}
	}
	if !found {
		return errors.New(pocketBaseName + ": its users have no field for a password")
	}
	body, err := json.Marshal(collection)
	if err != nil {
		return fmt.Errorf("encode a collection: %w", err)
	}
	return p.ask(ctx, 200, newRequest("PATCH", pocketBaseUsers, root.Token, body), nil)
}

func (p *pocketBase) signUp(ctx context.Context, server *process) (*peer, error) {
	account := fmt.Appendf(nil, `{"email":%q,"password":%q,"passwordConfirm":%q,"name":"Ada"}`, email(0), password, password)
	if err := p.ask(ctx, 200, newRequest("POST", pocketBaseUsers+"/records", "", account), nil); err != nil {
		return nil, err
	}
	var session pocketBaseSession
	if err := p.ask(ctx, 200, pocketBaseLogin("users"), &session); err != nil {
		return nil, err
	}
	return &peer{
		name: pocketBaseName, server: server,
		me:     newRequest("GET", pocketBaseUsers+"/records/"+session.Record.ID, session.Token, nil),
		tokens: always(newRequest("POST", pocketBaseUsers+"/auth-refresh", session.Token, nil)), // signs another; the old one stays good
		logins: func(context.Context, int) (func(int) func([]byte) request, error) {
			return always(pocketBaseLogin("users")), nil
		},
	}, nil
}
