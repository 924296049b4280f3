package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"
)

const (
	password = "Correct-Horse-7-Battery"
	cost     = 12

	accounts = 8  // in each hub
	clients  = 32 // that are signed in, each to one of the accounts: as many as connections
)

// subject is a hub under load.
type subject struct {
	mode    string
	server  *process
	clients [clients]tokens
}

type tokens struct {
	AccessToken  string `json:"accessToken"`
	RefreshToken string `json:"refreshToken"`
}

func email(account int) string { return fmt.Sprintf("bench%d@example.com", account%accounts) }

func loginRequest(account int) request {
	return newRequest("POST", "/api/v1/auth/login", "", []byte(`{"email":"`+email(account)+`","password":"`+password+`"}`))
}

func registerRequest(email string) request {
	return newRequest("POST", "/api/v1/auth/register", "", fmt.Appendf(nil,
		`{"email":%q,"password":%q,"firstName":"Ada","lastName":"Lovelace"}`, email, password))
}

// logsIn has a connection log in, each as one of the accounts: attempts at the same one wait for each other.
func logsIn(conn int) func([]byte) request { return always(loginRequest(conn))(conn) }

func meRequest(token string) request { return newRequest("GET", "/api/v1/auth/me", token, nil) }

// signUp makes the accounts and signs the clients in.
func (s *subject) signUp(ctx context.Context) error {
	register := func(i int) error {
		_, err := s.ask(ctx, 201, registerRequest(email(i)))
		return err
	}
	if err := each(accounts, register); err != nil {
		return err
	}
	return s.signIn(ctx)
}

// signIn signs the clients in.
func (s *subject) signIn(ctx context.Context) error {
	return each(clients, func(i int) error {
		answer, err := s.ask(ctx, 200, loginRequest(i))
		if err != nil {
			return err
		}
		return json.Unmarshal(answer, &s.clients[i])
	})
}

// each does something for all numbers below n, a few at a time.
func each(n int, do func(int) error) error {
	var group errgroup.Group
	group.SetLimit(4)
	for i := range n {
		group.Go(func() error { return do(i) })
	}
	return group.Wait()
}

// me returns what auth/me answers.
func (s *subject) me(ctx context.Context) ([]byte, error) {
	return s.ask(ctx, 200, meRequest(s.clients[0].AccessToken))
}

// askTries is how often something is asked for that is not measured, should the machine be too busy.
const askTries = 5

// ask makes one request on a connection of its own.
func (s *subject) ask(ctx context.Context, want int, r request) (answer []byte, err error) {
	c, err := dial(ctx, s.server.addr)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	for try := 1; ; try++ {
		status, answer, err := c.do(r)
		switch {
		case err != nil:
			return nil, err
		case status == want:
			return bytes.Clone(answer), nil
		case status != 503 || try == askTries:
			return nil, fmt.Errorf("mode %s: status %d instead of %d: %s", s.mode, status, want, answer)
		}
	}
}
