package api

import (
	"net/http"

	"github.com/a64core/hub"
)

// prefix is where the versioned operations are. Limits and Cache-Control hang on it.
const prefix = "/api/v1"

// Paths that answers mention.
const (
	usersPath   = prefix + "/users"
	healthPath  = "/api/health"
	docsPath    = "/api/docs"
	openAPIPath = "/api/openapi.json"
)

// routes is the product on one screen. Every operation says who may call it and which errors it has of its own; words for
// the documentation stand in describe.go.
func (a *API) routes() *table {
	t := newTable(a)

	get(t, "/", a.home, op{ID: "home", Access: Public})
	get(t, healthPath, a.health, op{ID: "health", Access: Public})
	get(t, "/api/ready", a.ready, op{ID: "ready", Access: Public, Else: http.StatusServiceUnavailable})

	post(t, prefix+"/auth/register", a.register, op{ID: "register", Access: Public, Status: http.StatusCreated, Codes: codes(hub.CodeRegistrationRejected, hub.CodeOverloaded)})
	post(t, prefix+"/auth/login", a.login, op{ID: "login", Access: Public, Codes: codes(hub.CodeInvalidCredentials, hub.CodeAccountInactive, hub.CodeAccountLocked, hub.CodeOverloaded)})
	post(t, prefix+"/auth/refresh", a.refresh, op{ID: "refresh", Access: Public, Codes: codes(hub.CodeTokenExpired, hub.CodeTokenInvalid, hub.CodeTokenReused)})
	post(t, prefix+"/auth/logout", a.logout, op{ID: "logout", Access: SignedIn})
	get(t, prefix+"/auth/me", a.me, op{ID: "me", Access: SignedIn})
	post(t, prefix+"/auth/send-verification-email", a.sendVerification, op{ID: "sendVerificationEmail", Access: NotGuest, Codes: codes(hub.CodeAlreadyVerified)})
	post(t, prefix+"/auth/verify-email", a.verifyEmail, op{ID: "verifyEmail", Access: Public, Codes: codes(hub.CodeTokenUsed, hub.CodeTokenExpired, hub.CodeTokenInvalid, hub.CodeConflict)})
	post(t, prefix+"/auth/request-password-reset", a.requestPasswordReset, op{ID: "requestPasswordReset", Access: Public})
	post(t, prefix+"/auth/reset-password", a.resetPassword, op{ID: "resetPassword", Access: Public, Codes: codes(hub.CodeTokenUsed, hub.CodeTokenExpired, hub.CodeTokenInvalid, hub.CodeOverloaded)})
	post(t, prefix+"/auth/change-email", a.changeEmail, op{ID: "changeEmail", Access: NotGuest, Codes: codes(hub.CodeInvalidCredentials, hub.CodeAccountInactive, hub.CodeAccountLocked, hub.CodeOverloaded)})
	post(t, prefix+"/auth/change-password", a.changePassword, op{ID: "changePassword", Access: NotGuest, Codes: codes(hub.CodeInvalidCredentials, hub.CodeAccountInactive, hub.CodeAccountLocked, hub.CodeOverloaded)})
	get(t, prefix+"/auth/sessions", a.ownSessions, op{ID: "listOwnSessions", Access: NotGuest})
	del(t, prefix+"/auth/sessions/{sessionId}", a.endOwnSession, op{ID: "endOwnSession", Access: NotGuest, Codes: codes(hub.CodeNotFound)})

	get(t, usersPath, a.listUsers, op{ID: "listUsers", Access: Admins})
	post(t, usersPath, a.createUser, op{ID: "createUser", Access: Admins, Status: http.StatusCreated, Codes: codes(hub.CodeDuplicateEmail, hub.CodeOverloaded)})
	get(t, usersPath+"/me", a.viewUser, op{ID: "viewOwnUser", Access: NotGuest, Codes: codes(hub.CodeUserNotFound)})
	patch(t, usersPath+"/me", a.updateUser, op{ID: "updateOwnUser", Access: NotGuest, Codes: codes(hub.CodeUserNotFound, hub.CodeConflict)})
	del(t, usersPath+"/me", a.deleteUser, op{ID: "deleteOwnUser", Access: NotGuest, Codes: codes(hub.CodeUserNotFound, hub.CodeConflict)})
	get(t, usersPath+"/{userId}", a.viewUser, op{ID: "viewUser", Access: NotGuest, Codes: codes(hub.CodeUserNotFound)})
	patch(t, usersPath+"/{userId}", a.updateUser, op{ID: "updateUser", Access: NotGuest, Codes: codes(hub.CodeUserNotFound, hub.CodeConflict)})
	del(t, usersPath+"/{userId}", a.deleteUser, op{ID: "deleteUser", Access: NotGuest, Codes: codes(hub.CodeUserNotFound, hub.CodeConflict)})
	patch(t, usersPath+"/{userId}/role", a.changeRole, op{ID: "changeRole", Access: Admins, Codes: codes(hub.CodeUserNotFound, hub.CodeConflict)})
	post(t, usersPath+"/{userId}/activate", a.activateUser, op{ID: "activateUser", Access: Moderators, Codes: codes(hub.CodeUserNotFound, hub.CodeConflict)})
	post(t, usersPath+"/{userId}/deactivate", a.deactivateUser, op{ID: "deactivateUser", Access: Moderators, Codes: codes(hub.CodeUserNotFound, hub.CodeConflict)})
	post(t, usersPath+"/{userId}/restore", a.restoreUser, op{ID: "restoreUser", Access: Admins, Codes: codes(hub.CodeUserNotFound, hub.CodeConflict)})
	get(t, usersPath+"/{userId}/sessions", a.userSessions, op{ID: "listUserSessions", Access: Admins, Codes: codes(hub.CodeUserNotFound)})
	del(t, usersPath+"/{userId}/sessions", a.endUserSessions, op{ID: "endUserSessions", Access: Admins, Codes: codes(hub.CodeUserNotFound, hub.CodeConflict)})

	get(t, prefix+"/system/stats", a.stats, op{ID: "systemStats", Access: Admins})
	return t
}

func codes(own ...hub.Code) []hub.Code { return own }
