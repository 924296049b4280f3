package api

// description is what the document says of an operation in words. Status, access, errors and limits come from the
// operation itself.
type description struct {
	Tag     string
	Summary string
	Text    string // Markdown
	Success string // what an answer of the success status means; empty: the summary says it
}

const (
	tagAuth     = "Authentication"
	tagAccount  = "Own account"
	tagSessions = "Sessions"
	tagUsers    = "Users"
	tagSystem   = "System"
)

// descriptions returns the words for every operation by its id.
func descriptions() map[string]description {
	return map[string]description{
		"home":        {tagSystem, "Say what this is", "Needs no token and is not limited.", ""},
		"health":      {tagSystem, "Say that the process answers", "For liveness probes. It looks at nothing else: a database that is away is no reason to restart the hub.", ""},
		"ready":       {tagSystem, "Say whether requests can be served", "For readiness probes and load balancers. 503 has the same body, with `ready` false.", "Requests can be served."},
		"systemStats": {tagSystem, "Count what is kept", "Users by role and state, live sessions, mails by state, and how far a second database is behind.", ""},

		"register": {tagAuth, "Register an account", "Makes an active account of the role `user` and sends a mail that verifies the address. A token is not needed; one that is sent has no effect.\n\n" +
			"A taken address gives `REGISTRATION_REJECTED` with a general sentence. Where the operator conceals registrations, it gives 201 like any other, and the owner of the address gets a notice.", "The account, not yet verified."},
		"login": {tagAuth, "Sign in", "Starts a session. Unknown addresses, deleted accounts and wrong passwords are answered alike, in the same time. After five failures an address is locked for a quarter of an hour, whether it has an account or not: `ACCOUNT_LOCKED`, for the right password too. " +
			"`ACCOUNT_INACTIVE` comes only after the right password.", "The tokens of a new session."},
		"refresh": {tagAuth, "Get new tokens for a refresh token", "Each refresh token has one successor. Presented again within seconds, as after a lost answer or by a second tab, it gives the same successor; later, `TOKEN_REUSED`, and the whole session is dead, its access tokens included: somebody else may have had the token.", "The tokens that replace the former ones."},
		"logout":  {tagAuth, "Sign out", "With a refresh token: ends the session it belongs to. With no body, `{}` or null: ends all sessions of the caller. A token that is garbage or somebody else's does nothing and is no error (RFC 7009). Access tokens of ended sessions are dead at once.", ""},
		"me":      {tagAuth, "See the own account", "What the account is at this moment, whatever the token was issued for.", ""},

		"sendVerificationEmail": {tagAccount, "Ask for another verification mail", "Earlier links stop working when the new mail goes out. An account gets so many mails an hour and no more: a request beyond is answered alike, and no mail is sent.", ""},
		"verifyEmail":           {tagAccount, "Verify an address", "Spends the token from a verification mail. From the mail to a new address it makes that address the account's; `CONFLICT` if it was taken meanwhile. Nobody is signed in by it.", "The account, verified."},
		"requestPasswordReset":  {tagAccount, "Ask for a mail that resets the password", "The answer is the same, and takes as long, whether the address has an account or not.", ""},
		"resetPassword":         {tagAccount, "Reset the password", "Spends the token from the mail. All sessions of the account end, a lock opens, and the owner gets a notice; nobody is signed in. A new password that is refused (422) leaves the token as it was.", ""},
		"changeEmail":           {tagAccount, "Ask for another address", "A mail with a link goes to the new address, a notice to the present one; verify-email with the link's token makes the change. The answer does not tell whether the new address is free. Wrong passwords count as failed sign-ins.", ""},
		"changePassword":        {tagAccount, "Change the password", "The caller's other sessions end, and the owner gets a notice. Wrong passwords count as failed sign-ins.", ""},
		"viewOwnUser":           {tagAccount, "See the own account", "The same as `/users/{userId}` with the own id.", ""},
		"updateOwnUser":         {tagAccount, "Change the own account", "The same as `/users/{userId}` with the own id.", "The account as it is now."},
		"deleteOwnUser":         {tagAccount, "Delete the own account", "The same as `/users/{userId}` with the own id.", ""},

		"listOwnSessions":  {tagSessions, "List the own sessions", "Newest first.", ""},
		"endOwnSession":    {tagSessions, "End one of the own sessions", "Its tokens are dead at once. `NOT_FOUND` if it is not the caller's or has ended.", ""},
		"listUserSessions": {tagSessions, "List somebody's sessions", "For roles above theirs. Newest first.", ""},
		"endUserSessions":  {tagSessions, "End all of somebody's sessions", "For roles above theirs. The tokens are dead at once.", ""},

		"listUsers":  {tagUsers, "List accounts", "Deleted accounts are not among them. Page by number, or follow `meta.nextCursor`, which costs the same however far it leads.", ""},
		"createUser": {tagUsers, "Make an account for somebody", "Unless `isEmailVerified` is true, a mail asks to verify the address.", "The account."},
		"viewUser":   {tagUsers, "See an account", "The own one; moderators also lower roles; admins any. Without permission the answer is the same whether the id exists or not.", ""},
		"updateUser": {tagUsers, "Change an account", "The own one; admins also lower roles; a super_admin any. What is left out stays as it is; null clears an optional value. Only admins may set `metadata`.", "The account as it is now."},
		"deleteUser": {tagUsers, "Delete an account", "The own one; admins also lower roles; a super_admin any. Its sessions end at once, nobody sees it any more, and its address stays taken. An admin can restore it for 90 days; then it is gone. `CONFLICT` for the last active super_admin.", ""},
		"changeRole": {tagUsers, "Change somebody's role", "For roles above theirs, and to a role below the own one; a super_admin may give any. Nobody changes the own role. It bites on their next request. `CONFLICT` for the last active super_admin.", "The account as it is now."},

		"activateUser":   {tagUsers, "Let somebody sign in again", "For roles above theirs. Sessions that ended by deactivation stay ended.", "The account, active."},
		"deactivateUser": {tagUsers, "Keep somebody from signing in", "For roles above theirs. Sessions and links in mails are dead at once. `CONFLICT` for the last active super_admin.", "The account, inactive."},
		"restoreUser":    {tagUsers, "Bring a deleted account back", "For roles above theirs, within 90 days. The account is as it was, without its sessions. `USER_NOT_FOUND` also if it is not deleted.", "The account."},
	}
}

const introduction = `Accounts, sign-in and sessions, with five roles.

**Signing in.** ` + "`POST /api/v1/auth/login`" + ` gives an access token for an hour and a refresh token for a week. Send the access token as
` + "`Authorization: Bearer <token>`" + `. When it expires, ` + "`POST /api/v1/auth/refresh`" + ` gives new ones for the refresh token, once.

**Roles.** super_admin > admin > moderator > user > guest. ` + "`x-required-role`" + ` is the lowest role that may call an operation; what it
may do to whom is in the operation's text. Rights are looked up on every request, never taken from the token.

**Requests.** JSON in UTF-8, at most 64 KiB, names exactly as written here. Unknown fields, names given twice, and values of another type are refused.
Times are UTC with milliseconds.

**Errors** are ` + "`application/problem+json`" + ` (RFC 9457). Go by ` + "`code`" + `, which never changes its meaning; more may be added.
` + "`requestId`" + ` is also the X-Request-Id header: tell it when you ask for help.

**Limits** are counted over any sixty seconds: 10 requests for each IP address (IPv6: each /64) that sends no valid token, and for each
user 100, as a moderator 200, as an admin 500, as a super_admin 1000, unless the operator chose otherwise. The RateLimit headers of every answer tell
what applies and what is left; 429 tells by Retry-After when to come again. ` + "`x-rate-limit: role`" + ` marks the operations that are limited so.`
