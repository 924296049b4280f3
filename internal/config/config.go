package config

import (
	"log/slog"
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"strconv"
	"time"

	"github.com/a64core/hub"
)

// Config holds every setting as the program uses it. Field names follow the names of the settings, whose table says what
// they mean. A duration or count of zero switches the thing off where the table allows zero.
type Config struct {
	AppName     string
	Environment Environment
	Debug       bool

	Host            string
	Port            int
	TLSCertFile     string // with TLSKeyFile, or neither
	TLSKeyFile      string
	ShutdownDelay   time.Duration
	ShutdownTimeout time.Duration
	FrontendURL     *url.URL // without a slash at its end
	AllowedOrigins  []string // as browsers write them; AnyOrigin alone allows all
	TrustedProxies  []netip.Prefix
	DocsEnabled     bool

	DataDir       string
	Database      Database
	Migrate       bool
	SQLitePath    string
	MongoDBURL    hub.Secret
	MongoDBName   string
	MySQLHost     string
	MySQLPort     int
	MySQLUser     string
	MySQLPassword hub.Secret
	MySQLName     string
	MySQLTLS      string
	RedisURL      hub.Secret

	SecretKey            hub.Secret // zero in development until EnsureSecretKey
	SecretKeyPrevious    []hub.Secret
	AccessTokenTTL       time.Duration
	RefreshTokenTTL      time.Duration
	SessionMaxAge        time.Duration
	RefreshGrace         time.Duration
	MaxSessions          int
	VerificationTokenTTL time.Duration
	ResetTokenTTL        time.Duration

	BcryptCost          int
	HashWorkers         int // zero: one for each core
	HashQueue           int
	HashWait            time.Duration
	LoginMaxFailures    int
	LoginLockout        time.Duration
	RegistrationConceal bool
	RateLimit           RateLimit

	MailDriver         MailDriver
	MailFrom           *mail.Address // nil only where MailDriver is log
	SMTPURL            hub.Secret
	SendGridAPIKey     hub.Secret
	SendGridURL        *url.URL
	AWSRegion          string
	AWSAccessKeyID     string // with AWSSecretAccessKey, or neither
	AWSSecretAccessKey hub.Secret
	AWSSessionToken    hub.Secret
	AWSRole            AWSRole  // for MAIL_DRIVER=ses without a key
	SESURL             *url.URL // nil: the region's
	MailLimit          int      // an hour for one account

	UnverifiedPurge time.Duration
	DeletedPurge    time.Duration
	EventRetention  time.Duration
	MailRetention   time.Duration

	BackupPassphrase hub.Secret

	LogLevel        slog.Level
	LogFormat       LogFormat
	LogFile         string
	MetricsAddr     string
	OTLPEndpoint    *url.URL              // nil: there are no traces
	OTLPHeaders     map[string]hub.Secret // by name
	OTELServiceName string
	TraceRatio      float64 // of the traces that are kept, from 0 to 1

	values   []Value
	warnings Problems
}

// RateLimit holds the requests a minute that each role may make.
type RateLimit struct{ Guest, User, Moderator, Admin, SuperAdmin int }

// Environment says how strict the program is with its settings.
type Environment string

// The environments. Only Development has defaults for secrets and lets mail links be logged.
const (
	Development Environment = "development"
	Staging     Environment = "staging"
	Production  Environment = "production"
)

// Database says where users and sessions are kept.
type Database string

// The databases.
const (
	SQLite  Database = "sqlite"
	MongoDB Database = "mongodb"
	MySQL   Database = "mysql"
	Dual    Database = "dual" // MongoDB primary, MySQL secondary
)

// MailDriver says how mail leaves the program.
type MailDriver string

// The mail drivers.
const (
	MailLog      MailDriver = "log" // written to the log instead of sent
	MailSMTP     MailDriver = "smtp"
	MailSendGrid MailDriver = "sendgrid"
	MailSES      MailDriver = "ses" // Amazon
)

// LogFormat says how log lines look.
type LogFormat string

// The log formats.
const (
	LogText LogFormat = "text" // logfmt, for people
	LogJSON LogFormat = "json" // for machines
)

// AnyOrigin in Config.AllowedOrigins stands for every origin.
const AnyOrigin = "*"

// Addr returns the address to listen on.
func (c *Config) Addr() string { return net.JoinHostPort(c.Host, strconv.Itoa(c.Port)) }

// TLS reports whether the program serves HTTPS itself.
func (c *Config) TLS() bool { return c.TLSCertFile != "" && c.TLSKeyFile != "" }

// Warnings returns what looks like a mistake but stops nothing: names in the .env file that resemble a setting's.
func (c *Config) Warnings() Problems { return c.warnings }
