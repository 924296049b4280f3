package config

import (
	"net/netip"
	"slices"
	"strings"
	"unicode"

	"github.com/a64core/hub"
)

// checker collects mistakes.
type checker struct {
	problems Problems
	bad      map[string]bool // settings with a mistake
}

func (k *checker) add(name, message string) {
	k.problems = append(k.problems, Problem{name, message})
	k.bad[name] = true
}

// refuse adds a mistake about the setting name if wrong holds and neither it nor the others that the rule looks at
// have one already: what follows from a mistake is no news.
func (k *checker) refuse(wrong bool, name, message string, others ...string) {
	if wrong && !k.bad[name] && !slices.ContainsFunc(others, func(o string) bool { return k.bad[o] }) {
		k.add(name, message)
	}
}

// rules applies the rules between settings (the contract's section on settings; security requirement R35).
func (k *checker) rules(c *Config) {
	const env = "ENVIRONMENT"
	released := c.Environment != Development
	k.refuse(released && c.SecretKey.IsZero(), "SECRET_KEY", "is needed outside development; make one with: openssl rand -base64 48", env)
	k.refuse(released && isWeakKey(c.SecretKey), "SECRET_KEY", weakKey, env)
	k.refuse(released && slices.ContainsFunc(c.SecretKeyPrevious, isWeakKey), "SECRET_KEY_PREVIOUS", weakKey, env)
	k.refuse(slices.Contains(c.SecretKeyPrevious, c.SecretKey), "SECRET_KEY_PREVIOUS", "must not hold the present SECRET_KEY", "SECRET_KEY")
	k.refuse(released && c.FrontendURL == nil, "FRONTEND_URL", "is needed outside development", env)
	k.refuse(released && c.BcryptCost < 12, "BCRYPT_COST", "must be at least 12 outside development", env)

	production := c.Environment == Production
	k.refuse(production && c.Debug, "DEBUG", "must be false in production", env)
	k.refuse(production && c.FrontendURL != nil && c.FrontendURL.Scheme != "https", "FRONTEND_URL", "must be https in production", env)
	k.refuse(production && slices.Contains(c.AllowedOrigins, AnyOrigin), "ALLOWED_ORIGINS", `must name origins in production, not "*"`, env)
	k.refuse(len(c.AllowedOrigins) > 1 && slices.Contains(c.AllowedOrigins, AnyOrigin), "ALLOWED_ORIGINS", `must be "*" alone or origins`)
	k.refuse(production && slices.ContainsFunc(c.TrustedProxies, isNearlyAll), "TRUSTED_PROXIES",
		"must not trust so large a part of the Internet in production: an IPv4 network needs at least /8, an IPv6 network /7", env)
	k.refuse(production && c.MailDriver == MailLog, "MAIL_DRIVER", `must not be "log" in production: nobody would get a mail`, env)

	k.refuse((c.Database == MongoDB || c.Database == Dual) && c.MongoDBURL.IsZero(), "MONGODB_URL", "is needed for DATABASE="+string(c.Database), "DATABASE")
	k.refuse((c.Database == MySQL || c.Database == Dual) && c.MySQLHost == "", "MYSQL_HOST", "is needed for DATABASE="+string(c.Database), "DATABASE")
	k.refuse((c.Database == MySQL || c.Database == Dual) && c.MySQLUser == "", "MYSQL_USER", "is needed for DATABASE="+string(c.Database), "DATABASE")

	k.mailRules(c)
	k.refuse(c.TLSCertFile != "" && c.TLSKeyFile == "", "TLS_KEY_FILE", "is needed with TLS_CERT_FILE")
	k.refuse(c.TLSKeyFile != "" && c.TLSCertFile == "", "TLS_CERT_FILE", "is needed with TLS_KEY_FILE")
	k.refuse(len(c.OTLPHeaders) > 0 && isExposed(c.OTLPEndpoint), "OTEL_EXPORTER_OTLP_ENDPOINT",
		"must be https unless it is on this machine, if OTEL_EXPORTER_OTLP_HEADERS is set")
	k.refuse(c.AccessTokenTTL > c.RefreshTokenTTL, "ACCESS_TOKEN_TTL", "must not be longer than REFRESH_TOKEN_TTL", "REFRESH_TOKEN_TTL")
	k.refuse(c.UnverifiedPurge > 0 && c.UnverifiedPurge < c.VerificationTokenTTL, "UNVERIFIED_PURGE",
		"must not be shorter than VERIFICATION_TOKEN_TTL", "VERIFICATION_TOKEN_TTL")
}

// mailRules applies the rules for the service that sends mail. What is set for another is not looked at: AWS' names may
// stand in the environment for other programs.
func (k *checker) mailRules(c *Config) {
	const driver, exposed = "MAIL_DRIVER", "must be https unless it is on this machine"
	k.refuse(c.MailDriver != MailLog && c.MailFrom == nil, "MAIL_FROM", "is needed to send mail", driver)
	k.refuse(c.MailDriver == MailSMTP && c.SMTPURL.IsZero(), "SMTP_URL", "is needed for MAIL_DRIVER=smtp", driver)
	k.refuse(c.MailDriver == MailSendGrid && c.SendGridAPIKey.IsZero(), "SENDGRID_API_KEY", "is needed for MAIL_DRIVER=sendgrid", driver)
	k.refuse(c.MailDriver == MailSendGrid && isExposed(c.SendGridURL), "SENDGRID_URL", exposed, driver)
	if c.MailDriver != MailSES {
		return
	}
	hasID, hasKey := c.AWSAccessKeyID != "", !c.AWSSecretAccessKey.IsZero()
	k.refuse(c.AWSRegion == "", "AWS_REGION", "is needed for MAIL_DRIVER=ses", driver)
	k.refuse(hasKey && !hasID, "AWS_ACCESS_KEY_ID", "is needed with AWS_SECRET_ACCESS_KEY")
	k.refuse(hasID && !hasKey, "AWS_SECRET_ACCESS_KEY", "is needed with AWS_ACCESS_KEY_ID")
	k.refuse(!c.AWSSessionToken.IsZero() && !hasID && !hasKey, "AWS_SESSION_TOKEN", "needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
	k.refuse(isExposed(c.SESURL), "SES_URL", exposed)
}

// isNearlyAll reports whether the network is larger than any that one operator owns: than the private 10.0.0.0/8 and
// fc00::/7.
func isNearlyAll(p netip.Prefix) bool {
	if p.Addr().Is4() {
		return p.Bits() < 8
	}
	return p.Bits() < 7
}

const weakKey = "is weak: it has few different characters or looks like a default; make one with: openssl rand -base64 48"

// isWeakKey reports whether a key was not drawn at random: a placeholder, such as those that the original system came
// with, or less than 8 different characters, which 32 random hexadecimal digits have once in millions.
func isWeakKey(key hub.Secret) bool {
	if key.IsZero() {
		return false
	}
	different := make(map[rune]bool)
	var plain strings.Builder
	for _, r := range key.Reveal() {
		different[r] = true
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			plain.WriteRune(unicode.ToLower(r))
		}
	}
	return len(different) < 8 || slices.ContainsFunc([]string{
		"changethis", "changeme", "changein", "secretkey", "yoursecret", "supersecret", "password", "example", "placeholder",
		"insecure", "default", "abcdefgh", "12345678", "qwertyui",
	}, func(mark string) bool { return strings.Contains(plain.String(), mark) })
}
