// Package field says what each value of a user may be: address, name, phone, avatar, timezone, locale and metadata.
//
// Each function takes the value as it was sent and returns its canonical form, the only one that is stored and compared.
// It is pure, takes linear time, and giving it its own result changes nothing. The text of an error is the second half
// of a sentence that begins with the field's name; it never repeats the value and may be shown to anybody.
//
// [Email] is the one canonicaliser of addresses: registration, login, reset, lockout and every store go by its result.
//
// Which fields there are, and which of them are optional, is for package profile to say. Passwords have their own
// package.
package field
