package main

import (
	"encoding/json"
	"fmt"
	"testing"
)

// want sends a request that must be answered with the status.
func (s *server) want(t *testing.T, status int, method, path, token string, body any) []byte {
	t.Helper()
	got, answer := s.try(method, path, token, body)
	if got != status {
		t.Fatalf("%s %s: %d, want %d: %s", method, path, got, status, answer)
	}
	return answer
}

// register makes an account and signs in.
func (s *server) register(t *testing.T, email string) *account {
	t.Helper()
	a := &account{email: email, firstName: "Ada", acknowledged: true}
	s.want(t, 201, "POST", "/api/v1/auth/register", "", registration(email))
	if !a.login(s) {
		t.Fatalf("%s cannot log in", email)
	}
	return a
}

func registration(email string) map[string]string {
	return map[string]string{"email": email, "password": testPassword, "firstName": "Ada", "lastName": "Lovelace"}
}

// status returns what GET path answers to the account.
func (a *account) status(s *server, path string) int {
	status, _ := s.try("GET", path, a.access, nil)
	return status
}

// id returns the account's id.
func (a *account) id(t *testing.T, s *server) string {
	t.Helper()
	var me struct{ UserID string }
	if err := json.Unmarshal(s.want(t, 200, "GET", "/api/v1/auth/me", a.access, nil), &me); err != nil {
		t.Fatal(err)
	}
	return me.UserID
}

func address(n int) string { return fmt.Sprintf("user%d@example.com", n) }

func registerMany(t *testing.T, s *server, n int) []*account {
	t.Helper()
	accounts := make([]*account, n)
	for i := range accounts {
		accounts[i] = s.register(t, address(i))
	}
	return accounts
}
