package config

import (
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Setting describes one setting.
type Setting struct {
	Name    string // in the environment and in .env
	Default string // empty: none, or one that Help explains
	Help    string
	Group   string
	kind    kind
}

// Flag returns the name of the flag, without its dashes: "rate-limit-guest" for RATE_LIMIT_GUEST.
func (s Setting) Flag() string { return strings.ToLower(strings.ReplaceAll(s.Name, "_", "-")) }

// IsSecret reports whether the value must never be printed.
func (s Setting) IsSecret() bool { return s.kind.secret }

// IsBool reports whether the setting is true or false, so that its flag needs no value.
func (s Setting) IsBool() bool { return s.kind.boolean }

// Settings lists all settings, in the order of the documentation.
func Settings() []Setting { return table(&Config{}) }

const day = 24 * time.Hour

// table is all there is to know about every setting, bound to the fields of c. A setting whose default derives from
// another stands below it.
func table(c *Config) []Setting {
	return group("General",
		row("APP_NAME", "A64 Core Platform API Hub", text(&c.AppName, 100), "Name of the service in answers and mails."),
		row("ENVIRONMENT", "development", oneOf(&c.Environment, Development, Staging, Production), "development, staging or production. Production refuses whatever is unsafe."),
		row("DEBUG", "false", boolean(&c.Debug), "Log at level DEBUG unless LOG_LEVEL is set. Refused in production."),
	).group("Server",
		row("HOST", "127.0.0.1", host(&c.Host), "Address to listen on; 0.0.0.0 for all."),
		row("PORT", "8000", number(&c.Port, 0, 65535), "TCP port to listen on; 0 for any free one."),
		row("TLS_CERT_FILE", "", path(&c.TLSCertFile), "PEM file of the certificate chain, to serve HTTPS without a proxy."),
		row("TLS_KEY_FILE", "", path(&c.TLSKeyFile), "PEM file of the certificate's private key."),
		row("SHUTDOWN_DELAY", "0s", optional(duration(&c.ShutdownDelay, time.Millisecond, 10*time.Minute)), "How long to go on after SIGTERM while /api/ready says draining, so that a balancer that asks there hears it in time."),
		row("SHUTDOWN_TIMEOUT", "15s", duration(&c.ShutdownTimeout, time.Second, 10*time.Minute), "How long accepted requests may take to finish after that."),
		row("FRONTEND_URL", "", webURL(&c.FrontendURL), "Where the front end is: what links in mails begin with. Unset in development: "+developmentFrontend+"."),
		row("ALLOWED_ORIGINS", "", list(&c.AllowedOrigins, parseOrigin), "Origins whose pages may call the API, such as https://app.example.com, separated by commas. Unset: the origin of FRONTEND_URL."),
		row("TRUSTED_PROXIES", "", list(&c.TrustedProxies, parsePrefix), "Proxies whose X-Forwarded-For is believed, and whose traceparent: addresses or networks, separated by commas."),
		row("DOCS_ENABLED", "", boolean(&c.DocsEnabled), "Serve /api/docs, /api/redoc and /api/openapi.json. Unset: true, but false in production."),
	).group("Database",
		row("DATA_DIR", "./data", path(&c.DataDir), "Folder for what the program keeps in files."),
		row("DATABASE", "sqlite", oneOf(&c.Database, SQLite, MongoDB, MySQL, Dual), "Where users and sessions are kept: sqlite (embedded), mongodb, mysql, or dual (MongoDB, with MySQL as its copy)."),
		row("MIGRATE", "true", boolean(&c.Migrate), "Bring the database's schema up to date at start. If false, run a64core migrate."),
		row("SQLITE_PATH", "", path(&c.SQLitePath), "The SQLite file. Unset: a64core.db in DATA_DIR."),
		row("MONGODB_URL", "", secretURL(&c.MongoDBURL, "mongodb", "mongodb+srv"), "Connection string of MongoDB, with user and password; options such as tls=true go behind a question mark."),
		row("MONGODB_DB_NAME", "a64core_db", text(&c.MongoDBName, 63), "Name of the database in MongoDB."),
		row("MYSQL_HOST", "", host(&c.MySQLHost), "Host of MySQL."),
		row("MYSQL_PORT", "3306", number(&c.MySQLPort, 1, 65535), "TCP port of MySQL."),
		row("MYSQL_USER", "", text(&c.MySQLUser, 32), "User at MySQL."),
		row("MYSQL_PASSWORD", "", secret(&c.MySQLPassword), "Password at MySQL."),
		row("MYSQL_DB_NAME", "a64core_db", text(&c.MySQLName, 64), "Name of the database in MySQL."),
		row("MYSQL_TLS", "preferred", oneOf(&c.MySQLTLS, "false", "preferred", "true", "skip-verify"), "TLS to MySQL: false, preferred (if the server has it), true (and its certificate is verified) or skip-verify."),
		row("REDIS_URL", "", redisURL(&c.RedisURL), "Redis for limits that instances share: redis://user:password@host:6379/0; redis+sentinel://host1:26379,host2:26379/master/0; redis+cluster://host1:6379,host2:6379; rediss in the place of redis for TLS. Unset: each counts in its memory."),
	).group("Tokens and sessions",
		row("SECRET_KEY", "", secretKey(&c.SecretKey), "Key that signs tokens, at least 32 bytes: openssl rand -base64 48. Unset in development: made once and kept in DATA_DIR/"+secretKeyFile+"."),
		row("SECRET_KEY_PREVIOUS", "", secretKeys(&c.SecretKeyPrevious), "Former keys, separated by commas. Tokens they signed stay valid."),
		row("ACCESS_TOKEN_TTL", "1h", duration(&c.AccessTokenTTL, time.Second, day), "Life of an access token."),
		row("REFRESH_TOKEN_TTL", "168h", duration(&c.RefreshTokenTTL, time.Second, 365*day), "Life of a refresh token: how long a session may lie idle."),
		row("SESSION_MAX_AGE", "720h", optional(duration(&c.SessionMaxAge, time.Second, 3650*day)), "Life of a session, however often it is refreshed; 0 for no limit."),
		row("REFRESH_GRACE", "10s", optional(duration(&c.RefreshGrace, time.Millisecond, 5*time.Minute)), "How long a used refresh token still gives its successor; 0 for not at all."),
		row("MAX_SESSIONS", "100", number(&c.MaxSessions, 0, 10_000), "Sessions a user may have, of which the oldest end; 0 for no limit."),
		row("VERIFICATION_TOKEN_TTL", "24h", duration(&c.VerificationTokenTTL, time.Second, 30*day), "Life of a link that verifies an e-mail address."),
		row("RESET_TOKEN_TTL", "1h", duration(&c.ResetTokenTTL, time.Second, day), "Life of a link that resets a password."),
	).group("Passwords and limits",
		row("BCRYPT_COST", "12", number(&c.BcryptCost, 4, 16), "Cost of hashing a password; 12 takes about a quarter of a second. Below 12 only in development."),
		row("HASH_WORKERS", "0", number(&c.HashWorkers, 0, 1024), "Passwords hashed at the same time; 0 for one on each core."),
		row("HASH_QUEUE", "32", number(&c.HashQueue, 0, 100_000), "Requests that may wait for hashing; more are answered 503."),
		row("HASH_WAIT", "5s", duration(&c.HashWait, time.Millisecond, time.Minute), "How long a request may wait for hashing before it is answered 503."),
		row("LOGIN_MAX_FAILURES", "5", number(&c.LoginMaxFailures, 0, 100), "Wrong passwords that lock an e-mail address; 0 for no lock."), // at most 100: NIST SP 800-63B-4, 3.2.2
		row("LOGIN_LOCKOUT", "15m", optional(duration(&c.LoginLockout, time.Second, 7*day)), "How long the lock lasts; 0 for no lock."),
		row("RATE_LIMIT_GUEST", "10", rate(&c.RateLimit.Guest), "Requests a minute without a token, by address; 0 for no limit."),
		row("RATE_LIMIT_USER", "100", rate(&c.RateLimit.User), "Requests a minute of one user; 0 for no limit."),
		row("RATE_LIMIT_MODERATOR", "200", rate(&c.RateLimit.Moderator), "Requests a minute of one moderator; 0 for no limit."),
		row("RATE_LIMIT_ADMIN", "500", rate(&c.RateLimit.Admin), "Requests a minute of one admin; 0 for no limit."),
		row("RATE_LIMIT_SUPER_ADMIN", "1000", rate(&c.RateLimit.SuperAdmin), "Requests a minute of one super_admin; 0 for no limit."),
		row("REGISTRATION_CONCEAL", "false", boolean(&c.RegistrationConceal), "Answer the registration of a taken e-mail address like any other."),
	).group("Mail",
		row("MAIL_DRIVER", "log", oneOf(&c.MailDriver, MailLog, MailSMTP, MailSendGrid, MailSES), "log (writes mails to the log; refused in production), smtp, sendgrid or ses (Amazon). Try it with a64core mail test."),
		row("MAIL_FROM", "", mailAddress(&c.MailFrom), "Sender of all mails, such as A64 Core <no-reply@example.com>. Needed unless MAIL_DRIVER is log."),
		row("SMTP_URL", "", secretURL(&c.SMTPURL, "smtp", "smtps"), "The mail server: smtp://user:password@host:587 or smtps://user:password@host:465."),
		row("SENDGRID_API_KEY", "", secret(&c.SendGridAPIKey), "Key for SendGrid, with the right to send mail and no other."),
		row("SENDGRID_URL", "https://api.sendgrid.com", webURL(&c.SendGridURL), "SendGrid's API; https://api.eu.sendgrid.com for accounts in the EU."),
		row("AWS_REGION", "", awsRegion(&c.AWSRegion), "Region of Amazon SES, such as eu-central-1. Needed for MAIL_DRIVER=ses."),
		row("AWS_ACCESS_KEY_ID", "", text(&c.AWSAccessKeyID, 128), "Access key for Amazon SES. Unset: the role of the pod, container or machine."),
		row("AWS_SECRET_ACCESS_KEY", "", secret(&c.AWSSecretAccessKey), "The other half of AWS_ACCESS_KEY_ID."),
		row("AWS_SESSION_TOKEN", "", secret(&c.AWSSessionToken), "Session token of a temporary AWS_ACCESS_KEY_ID."),
		row("SES_URL", "", webURL(&c.SESURL), "Endpoint of Amazon SES, such as that of a VPC. Unset: that of the region."),
		row("MAIL_LIMIT", "5", number(&c.MailLimit, 0, 1000), "Mails an hour that can be asked for one account; 0 for no limit."),
	).group("Retention and backups",
		row("UNVERIFIED_PURGE", "720h", optional(duration(&c.UnverifiedPurge, time.Hour, 3650*day)), "When accounts are forgotten that never verified their address; 0 for never."),
		row("DELETED_PURGE", "2160h", optional(duration(&c.DeletedPurge, time.Hour, 3650*day)), "When deleted accounts are forgotten; 0 for never."),
		row("EVENT_RETENTION", "8760h", optional(duration(&c.EventRetention, time.Hour, 36500*day)), "How long the audit trail is kept; 0 for ever."),
		row("MAIL_RETENTION", "720h", optional(duration(&c.MailRetention, time.Hour, 3650*day)), "How long the record of a sent mail is kept; 0 for ever."),
		row("BACKUP_PASSPHRASE", "", secret(&c.BackupPassphrase), "Passphrase that a64core backup and restore use if no flag gives a key. Unset: archives are not encrypted."),
	).group("Logs, metrics and traces",
		row("LOG_LEVEL", "INFO", logLevel(&c.LogLevel), "Least important lines logged: DEBUG, INFO, WARNING, ERROR or CRITICAL."),
		row("LOG_FORMAT", "text", oneOf(&c.LogFormat, LogText, LogJSON), "text or json."),
		row("LOG_FILE", "", path(&c.LogFile), "File to log to instead of standard error: three files of 10 MB in turn."),
		row("METRICS_ADDR", "", listenAddr(&c.MetricsAddr), "Address to serve metrics for Prometheus on, such as 127.0.0.1:9090. They have no password: keep it from strangers."),
		row("OTEL_EXPORTER_OTLP_ENDPOINT", "", webURL(&c.OTLPEndpoint), "Collector that traces go to by OTLP over HTTP, such as http://localhost:4318; /v1/traces is appended. Unset: there are no traces."),
		row("OTEL_EXPORTER_OTLP_HEADERS", "", otlpHeaders(&c.OTLPHeaders), "What the collector asks to know us by, such as api-key=secret, separated by commas, special characters percent-encoded."),
		row("OTEL_SERVICE_NAME", "a64core", text(&c.OTELServiceName, 100), "Name of the service in traces."),
		row("OTEL_TRACES_SAMPLER_ARG", "0.01", fraction(&c.TraceRatio), "Part of the traces that is kept, from 0 to 1. A caller in TRUSTED_PROXIES decides for those it began."),
	)
}

// derivedDefault returns the default of a setting that depends on others, which were read before it.
func (c *Config) derivedDefault(s Setting) string {
	switch {
	case s.Name == "FRONTEND_URL" && c.Environment == Development:
		return developmentFrontend
	case s.Name == "ALLOWED_ORIGINS" && c.FrontendURL != nil:
		return c.FrontendURL.Scheme + "://" + c.FrontendURL.Host
	case s.Name == "DOCS_ENABLED":
		return strconv.FormatBool(c.Environment != Production)
	case s.Name == "SQLITE_PATH" && c.DataDir != "":
		return filepath.Join(c.DataDir, "a64core.db")
	case s.Name == "LOG_LEVEL" && c.Debug:
		return "DEBUG"
	}
	return s.Default
}

const developmentFrontend = "http://localhost:3000"

// rows lets the table be written group by group.
type rows []Setting

func group(name string, settings ...Setting) rows { return rows(nil).group(name, settings...) }

func (r rows) group(name string, settings ...Setting) rows {
	for _, s := range settings {
		s.Group = name
		r = append(r, s)
	}
	return r
}

func row(name, def string, k kind, help string) Setting {
	return Setting{Name: name, Default: def, Help: help, kind: k}
}
