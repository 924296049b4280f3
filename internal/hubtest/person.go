package hubtest

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/a64core/hub"
)

// Password is what every Person signs in with.
const Password = "Correct-Horse-7-Battery"

// Tokens is what a login or refresh answered.
type Tokens struct {
	AccessToken  string
	RefreshToken string
	ExpiresIn    int
}

// Person is an account with a session.
type Person struct {
	ID, Email string
	Tokens
}

// Registration returns a valid body for registering the address.
func Registration(email string) map[string]any {
	return map[string]any{"email": email, "password": Password, "firstName": "Ada", "lastName": "Lovelace"}
}

// Register makes an account of the role user and returns its id.
func (h *Hub) Register(t testing.TB, email string) string {
	t.Helper()
	a := h.Do(t, Request{Method: http.MethodPost, Path: "/api/v1/auth/register", Body: Registration(email)}).Want(t, http.StatusCreated)
	var user struct{ UserID string }
	a.Into(t, &user)
	return user.UserID
}

// Login signs in and returns the tokens.
func (h *Hub) Login(t testing.TB, email, password string) Tokens {
	t.Helper()
	var tokens Tokens
	h.TryLogin(t, email, password).Want(t, http.StatusOK).Into(t, &tokens)
	return tokens
}

// TryLogin asks to sign in.
func (h *Hub) TryLogin(t testing.TB, email, password string) Answer {
	t.Helper()
	return h.Do(t, Request{Method: http.MethodPost, Path: "/api/v1/auth/login", Body: map[string]any{"email": email, "password": password}})
}

// Refresh presents a refresh token.
func (h *Hub) Refresh(t testing.TB, token string) Answer {
	t.Helper()
	return h.Do(t, Request{Method: http.MethodPost, Path: "/api/v1/auth/refresh", Body: map[string]any{"refreshToken": token}})
}

// Me asks auth/me.
func (h *Hub) Me(t testing.TB, token string) Answer {
	t.Helper()
	return h.Do(t, Request{Method: http.MethodGet, Path: "/api/v1/auth/me", Token: token})
}

// SignUp makes an account of any role and signs in.
func (h *Hub) SignUp(t testing.TB, role hub.Role) Person {
	t.Helper()
	p := Person{Email: fmt.Sprintf("%s-%d@example.com", role, h.people.Add(1))}
	p.ID = h.Register(t, p.Email)
	if role != hub.RoleUser {
		h.Edit(t, p.ID, func(u *hub.User) { u.Role = role })
	}
	p.Tokens = h.Login(t, p.Email, Password)
	return p
}

// Edit changes an account behind the API's back.
func (h *Hub) Edit(t testing.TB, id string, change func(*hub.User)) hub.User {
	t.Helper()
	u, err := hub.EditUser(t.Context(), h.Store, id, func(u *hub.User) (hub.Event, []hub.Mail, error) {
		change(u)
		return hub.NewEvent(t.Context(), hub.EventUserUpdated, u.ID, h.Clock.Now()), nil, nil
	})
	if err != nil {
		t.Fatalf("edit user: %v", err)
	}
	return u
}

// Stored returns the account as the store has it.
func (h *Hub) Stored(t testing.TB, id string) hub.User {
	t.Helper()
	u, err := h.Store.UserByID(t.Context(), id)
	if err != nil {
		t.Fatalf("read user: %v", err)
	}
	return u
}

// LinkTo sends what is queued and returns the token in the newest mail to the address.
func (h *Hub) LinkTo(t testing.TB, address string) string {
	t.Helper()
	h.Deliver(t)
	mails := h.Outbox.To(address)
	if len(mails) == 0 {
		t.Fatalf("no mail to %s", address)
	}
	return TokenIn(t, mails[len(mails)-1])
}
