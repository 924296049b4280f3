package config

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

func TestOneWrongValueIsOneMistake(t *testing.T) {
	t.Parallel()
	allSame := strings.Repeat("a", 64)
	development := map[string]string{}
	staging := production(map[string]string{"ENVIRONMENT": "staging", "MAIL_DRIVER": "log"})
	sendGrid := production(map[string]string{"MAIL_DRIVER": "sendgrid", "SMTP_URL": "", "SENDGRID_API_KEY": "SG.x"})
	role := production(map[string]string{"MAIL_DRIVER": "ses", "SMTP_URL": "", "AWS_REGION": "eu-central-1"})
	ses := maps.Clone(role)
	ses["AWS_ACCESS_KEY_ID"], ses["AWS_SECRET_ACCESS_KEY"] = "AKIAEXAMPLE", "x"
	tests := []struct {
		name, setting string
		base          map[string]string
		wrong, right  []string
	}{
		{"one of the environments", "ENVIRONMENT", development, []string{"prod", "test", "productions"}, []string{"development", " Development "}},
		{"port", "PORT", development, []string{"-1", "65536", "8000/tcp", "0x50", "1e3"}, []string{"0", "1", "65535"}},
		{"host", "HOST", development, []string{"localhost:8000", "http://localhost", "*", "a b", "-a", "a..b", "[::1]"}, []string{"0.0.0.0", "::", "::1", "localhost", "hub.example.com"}},
		{"boolean", "DEBUG", development, []string{"maybe", "2", "yes please"}, []string{"true", "1", "False", "FALSE"}},
		{"name", "APP_NAME", development, []string{strings.Repeat("x", 101), "a\r\nBcc: x", "\xff"}, []string{"Ärzte & Söhne", strings.Repeat("ä", 100)}},

		{"no key", "SECRET_KEY", production(nil), []string{""}, []string{strongKey}},
		{"no key in staging", "SECRET_KEY", staging, []string{""}, []string{strongKey}},
		{"key too short", "SECRET_KEY", development, []string{"secret", strongKey[:31], strings.Repeat("k", 5000)}, []string{"", strongKey[:32]}},
		{"key pasted badly", "SECRET_KEY", development, []string{strongKey + "\n", " " + strongKey, strongKey[:40] + "," + strongKey[40:], strongKey + "\x00"}, nil},
		{"weak key", "SECRET_KEY", production(nil), []string{
			allSame, strings.Repeat("abc", 20), "dev_secret_key_change_in_production", "change_this_to_a_secure_random_key_in_production",
			"Change-Me-Change-Me-Change-Me-1234", "your-secret-key-at-least-32-bytes-xx", "0123456789abcdefghijklmnopqrstuvwxyz",
		}, []string{"0f8a61c3d92b47e5a0176c3bd98e24f5", otherKey}},
		{"weak key in staging", "SECRET_KEY", staging, []string{allSame, "dev_secret_key_change_in_production"}, nil},
		{"weak key in development", "SECRET_KEY", development, nil, []string{allSame}},
		{"former keys", "SECRET_KEY_PREVIOUS", production(nil), []string{allSame, "short", otherKey + ",short", strongKey, "dev_secret_key_change_in_production"}, []string{"", otherKey, otherKey + ", " + otherKey[1:]}},

		{"front end", "FRONTEND_URL", production(nil), []string{
			"", "http://app.example.com", "app.example.com", "//app.example.com", "https://", "https://u:p@app.example.com", "https://app.example.com/?x=1",
			"https://app.example.com/#x", "https://app.example.com?", "https://app.example.com:99999", "https://app example.com", "javascript:alert(1)", "https://app.example.com:",
		}, []string{"https://app.example.com/base/", "https://app.example.com:8443", "https://[2001:db8::1]:8443"}},
		{"front end in staging", "FRONTEND_URL", staging, []string{""}, []string{"http://staging.example.com"}},
		{"front end in development", "FRONTEND_URL", development, nil, []string{"", "http://localhost:3000"}},

		{"origins", "ALLOWED_ORIGINS", production(nil), []string{
			"*", "app.example.com", "https://app.example.com/", "https://app.example.com/x", "https://*.example.com", "null", "https://a.example.com,*",
			"https://u@app.example.com", "https://app.example.com?x", "ftp://app.example.com", "https://bücher.example", "https://a.example.com https://b.example.com",
		}, []string{"", "https://a.example.com,https://b.example.com:8443"}},
		{"origins in development", "ALLOWED_ORIGINS", development, []string{"*,https://a.example.com"}, []string{"*"}},
		{"proxies", "TRUSTED_PROXIES", production(nil), []string{
			"0.0.0.0/0", "::/0", "10.0.0.0/8,0.0.0.0/0", "0.0.0.0/1,128.0.0.0/1", "::ffff:0.0.0.0/96", "8000::/1",
			"10.0.0.1/8", "10.0.0.0/33", "proxy", "fe80::1%eth0", "*",
		}, []string{"", "10.0.0.0/8", "fc00::/7", "127.0.0.1,::1"}},
		{"proxies in development", "TRUSTED_PROXIES", development, nil, []string{"0.0.0.0/0,::/0"}},

		{"debug in production", "DEBUG", production(nil), []string{"true"}, []string{"false"}},
		{"cost", "BCRYPT_COST", development, []string{"3", "17", "twelve"}, []string{"4", "16"}},
		{"cost in production", "BCRYPT_COST", production(nil), []string{"11", "4"}, []string{"12", "13"}},
		{"cost in staging", "BCRYPT_COST", staging, []string{"11"}, nil},

		{"duration", "ACCESS_TOKEN_TTL", development, []string{"3600", "0", "-1h", "25h", "1 h", "1d", "999999999999h"}, []string{"1s", "15m", "1h30m"}},
		{"access outlives refresh", "ACCESS_TOKEN_TTL", map[string]string{"REFRESH_TOKEN_TTL": "30m"}, []string{"1h"}, []string{"30m"}},
		{"zero for off", "REFRESH_GRACE", development, []string{"6m", "-0.1s"}, []string{"0", "0s", "5m"}},
		{"zero for off", "SESSION_MAX_AGE", development, []string{"-1h", "999999h"}, []string{"0", "24h"}},
		{"purge at once", "DELETED_PURGE", development, []string{"1ms", "59m"}, []string{"0", "1h"}},
		{"purge before the link ends", "UNVERIFIED_PURGE", development, []string{"23h"}, []string{"24h", "0"}},
		{"shutdown", "SHUTDOWN_DELAY", development, []string{"11m", "-1s"}, []string{"0", "5s"}},
		{"shutdown", "SHUTDOWN_TIMEOUT", development, []string{"0", "11m"}, []string{"1s"}},
		{"failures", "LOGIN_MAX_FAILURES", development, []string{"101", "-1"}, []string{"0", "100"}},
		{"rate", "RATE_LIMIT_SUPER_ADMIN", development, []string{"-1", "1000001", "1.5"}, []string{"0"}},

		{"mail in production", "MAIL_DRIVER", production(nil), []string{"log", "", "pigeon"}, []string{"smtp"}},
		{"mail in development", "MAIL_DRIVER", production(map[string]string{"ENVIRONMENT": ""}), []string{"gmail"}, []string{"log", "smtp"}},
		{"mail server", "SMTP_URL", production(nil), []string{"", "mail.example.com:587", "http://mail.example.com", "smtp://", "smtp://u:p@ss%@h", "smtp://h:0", "smtp://u:p@h:99999"}, []string{"smtps://h:465", "smtp://h?tls=none"}},
		{"sender", "MAIL_FROM", production(nil), []string{"", "nobody", "a@b.example, c@d.example", "A <a@b.example>\r\nBcc: x@y.example"}, []string{"A64 Core <no-reply@example.com>"}},

		{"sender", "MAIL_FROM", sendGrid, []string{""}, nil},
		{"no key", "SENDGRID_API_KEY", sendGrid, []string{"", " SG.x", "SG.x\n"}, []string{"SG.x"}},
		{"service in the clear", "SENDGRID_URL", sendGrid, []string{"http://api.sendgrid.com", "api.sendgrid.com", "https://u:p@h", "http://localhost.example.com"}, []string{"", "https://api.eu.sendgrid.com", "http://127.0.0.1:1080", "http://localhost:1080"}},
		{"of no account", "SENDGRID_URL", development, nil, []string{"http://api.sendgrid.com"}},
		{"no region", "AWS_REGION", ses, []string{"", "Frankfurt", "EU-CENTRAL-1", "eu-central-1.evil.io", "eu-central-1/x", "-eu"}, []string{"us-gov-west-1", "cn-north-1"}},
		{"no region", "AWS_REGION", development, nil, []string{""}},
		{"half a key", "AWS_SECRET_ACCESS_KEY", ses, []string{"", "x\n"}, []string{"x/+="}},
		{"half a key", "AWS_ACCESS_KEY_ID", ses, []string{""}, []string{"ASIAEXAMPLE"}},
		{"half a key of another program", "AWS_ACCESS_KEY_ID", development, nil, []string{"AKIAEXAMPLE"}},
		{"token without a key", "AWS_SESSION_TOKEN", role, []string{"t"}, []string{""}},
		{"token", "AWS_SESSION_TOKEN", ses, nil, []string{"t", ""}},
		{"service in the clear", "SES_URL", ses, []string{"http://email.eu-central-1.amazonaws.com"}, []string{"", "https://vpce-1.email.eu-central-1.vpce.amazonaws.com", "http://[::1]:4579"}},

		{"certificate without key", "TLS_KEY_FILE", map[string]string{"TLS_CERT_FILE": "cert.pem"}, []string{""}, []string{"key.pem"}},
		{"key without certificate", "TLS_CERT_FILE", map[string]string{"TLS_KEY_FILE": "key.pem"}, []string{""}, []string{"cert.pem"}},
		{"level", "LOG_LEVEL", development, []string{"TRACE", "3"}, []string{"debug", "CRITICAL"}},
		{"format", "LOG_FORMAT", development, []string{"xml"}, []string{"json", "text"}},

		{"database without its server", "DATABASE", development, []string{"postgres"}, []string{"sqlite", ""}},
		{"no server named", "MONGODB_URL", map[string]string{"DATABASE": "mongodb"}, []string{"", "http://h", "mongodb://"}, []string{"mongodb://localhost", "mongodb+srv://u:p@h/?tls=true"}},
		{"no server named", "MYSQL_HOST", map[string]string{"DATABASE": "mysql", "MYSQL_USER": "u"}, []string{""}, []string{"db.example.com", "::1"}},
		{"no user named", "MYSQL_USER", map[string]string{"DATABASE": "dual", "MONGODB_URL": "mongodb://h", "MYSQL_HOST": "h"}, []string{""}, []string{"hub"}},
		{"port", "MYSQL_PORT", development, []string{"0", "65536", "x"}, []string{"3307", ""}},
		{"TLS to MySQL", "MYSQL_TLS", development, []string{"yes"}, []string{"true", "false", "skip-verify", ""}},
		{"where Redis is", "REDIS_URL", development, []string{
			"junk", "localhost:6379", "http://h", "redis://", "redis://h:0", "redis://a,b", "redis://u@h", "redis://u:p@ss%@h", "redis://h/x", "redis://h?x=1",
			"redis+sentinel://h", "redis+cluster://h/1", "redis://h ", "redis://h\n",
		}, []string{"", "redis://localhost", "rediss://u:p%40@h:6380/1", "redis+sentinel://:p@a,b:26380/main/0", "redis+cluster://a,b:7000,[::1]:7001"}},
		{"where metrics are", "METRICS_ADDR", development, []string{"9090", "h:x"}, []string{"", ":9090", "127.0.0.1:9090", "[::1]:9090"}},
		{"where traces go", "OTEL_EXPORTER_OTLP_ENDPOINT", development, []string{"localhost:4318", "grpc://h:4317", "http://u:p@h", "http://h?x=1"}, []string{"", "http://localhost:4318", "https://otlp.example.com/base/"}},
		{"headers in the clear", "OTEL_EXPORTER_OTLP_ENDPOINT", map[string]string{"OTEL_EXPORTER_OTLP_HEADERS": "api-key=k"}, []string{"http://collector:4318"}, []string{"https://collector:4318", "http://127.0.0.1:4318"}},
		{"headers for the collector", "OTEL_EXPORTER_OTLP_HEADERS", development, []string{"k", "=v", "a b=v", "k=%zz", "k=a%0Ab", "k=v,K=w", "Content-Type=x", "k=v "}, []string{"", "api-key=k", "a=1,b=2", "Authorization=Basic%20dTpw, b="}},
		{"part of the traces", "OTEL_TRACES_SAMPLER_ARG", development, []string{"-0.1", "1.1", "NaN", "5%", "Inf"}, []string{"", "0", "0.25", "1"}},
	}
	for _, tt := range tests {
		t.Run(tt.setting+" "+tt.name, func(t *testing.T) {
			t.Parallel()
			try := func(value string) []string {
				env := maps.Clone(tt.base)
				env[tt.setting] = value
				_, err := Load(from(env))
				return names(problemsOf(t, err))
			}
			for _, value := range tt.wrong {
				if got := try(value); !slices.Equal(got, []string{tt.setting}) {
					t.Errorf("%q: mistakes %v", value, got)
				}
			}
			for _, value := range tt.right {
				if got := try(value); got != nil {
					t.Errorf("%q: mistakes %v", value, got)
				}
			}
		})
	}
}

func TestDebugLowersTheLogLevelUnlessItIsSet(t *testing.T) {
	t.Parallel()
	for level, want := range map[string]string{"": "DEBUG", "ERROR": "ERROR"} {
		c, err := Load(from(map[string]string{"DEBUG": "true", "LOG_LEVEL": level}))
		if err != nil || c.LogLevel.String() != want {
			t.Errorf("LOG_LEVEL=%q: %v, %v", level, c.LogLevel, err)
		}
	}
}
