package redisurl_test

import (
	"net"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/redisurl"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]redisurl.URL{
		"redis://localhost":                            {Hosts: []string{"localhost:6379"}},
		"redis://localhost/":                           {Hosts: []string{"localhost:6379"}},
		"redis://10.0.0.1:6380/3":                      {Hosts: []string{"10.0.0.1:6380"}, DB: 3},
		"redis://[::1]":                                {Hosts: []string{"[::1]:6379"}},
		"redis://[2001:db8::1]:7000/15":                {Hosts: []string{"[2001:db8::1]:7000"}, DB: 15},
		"redis://:p%40ss%2F%3A@my_redis":               {Hosts: []string{"my_redis:6379"}, Password: hub.NewSecret("p@ss/:")},
		"redis://hub:a:b+c@h":                          {Hosts: []string{"h:6379"}, User: "hub", Password: hub.NewSecret("a:b+c")},
		"rediss://h":                                   {Hosts: []string{"h:6379"}, TLS: true},
		"rediss://h?skip_verify=true":                  {Hosts: []string{"h:6379"}, TLS: true, SkipVerify: true},
		"redis+cluster://a,b:7001,[::1]":               {Topology: redisurl.Cluster, Hosts: []string{"a:6379", "b:7001", "[::1]:6379"}},
		"rediss+cluster://u:p@a/":                      {Topology: redisurl.Cluster, Hosts: []string{"a:6379"}, TLS: true, User: "u", Password: hub.NewSecret("p")},
		"redis+sentinel://a/mymaster":                  {Topology: redisurl.Sentinel, Hosts: []string{"a:26379"}, Master: "mymaster"},
		"redis+sentinel://u:p@a:1,b:2/my%20m/4":        {Topology: redisurl.Sentinel, Hosts: []string{"a:1", "b:2"}, Master: "my m", DB: 4, User: "u", Password: hub.NewSecret("p")},
		"rediss+sentinel://a/m?sentinel_password=%26x": {Topology: redisurl.Sentinel, Hosts: []string{"a:26379"}, TLS: true, Master: "m", SentinelPassword: hub.NewSecret("&x")},
		"redis+sentinel://a/m?sentinel_username=s&sentinel_password=x": {
			Topology: redisurl.Sentinel, Hosts: []string{"a:26379"}, Master: "m", SentinelUser: "s", SentinelPassword: hub.NewSecret("x"),
		},
	} {
		got, err := redisurl.Parse(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b hub.Secret) bool { return a == b })); diff != "" {
			t.Errorf("%s:\n%s", text, diff)
		}
	}
}

func TestWhatIsWrongIsSaidWithoutTheURL(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                                       "must begin with",
		"localhost:6379":                         "must begin with",
		"http://CANARY":                          "must begin with",
		"redis+CANARY://h":                       "must begin with",
		"redis+sentinels://h/m":                  "must begin with",
		"redis://":                               "must name hosts",
		"redis:///0":                             "must name hosts",
		"redis://h:0":                            "must name hosts",
		"redis://h:65536":                        "must name hosts",
		"redis://h:CANARY":                       "must name hosts",
		"redis://h:":                             "must name hosts",
		"redis://CANARY CANARY":                  "must name hosts",
		"redis://[CANARY]":                       "must name hosts",
		"redis://[::1":                           "must name hosts",
		"redis://[::1]6379":                      "must name hosts",
		"redis+cluster://a,,b":                   "must name hosts",
		"redis+cluster://a, b":                   "must name hosts",
		"redis://u:CANARY/x@h":                   "must name hosts",
		"redis://u:CANARY%zz@h":                  "percent-encoded",
		"redis://u:CANARY@x@h":                   "percent-encoded",
		"redis://u:CANARY#@h":                    "%23",
		"redis://CANARY@h":                       "without a password",
		"redis://CANARY:@h":                      "without a password",
		"redis://a,b":                            "must name one host",
		"redis://h/CANARY":                       "number of a database",
		"redis://h/-1":                           "number of a database",
		"redis://h/0/1":                          "number of a database",
		"redis+cluster://h/0":                    "one database",
		"redis+sentinel://h":                     "must name the master",
		"redis+sentinel://h/":                    "must name the master",
		"redis+sentinel://h//0":                  "must name the master",
		"redis+sentinel://h/m/CANARY":            "number of a database",
		"redis://h?CANARY=CANARY":                "no options but",
		"redis://h?skip_verify=true":             "no options but",
		"redis://h?sentinel_password=x":          "no options but",
		"rediss://h?skip_verify=CANARY":          "true or false",
		"rediss://h?skip_verify=1&skip_verify=0": "twice",
		"redis://h?%zz":                          "percent-encoded",
		"redis+sentinel://h/m?sentinel_username=CANARY": "sentinel_password",
	} {
		_, err := redisurl.Parse(text)
		if err == nil {
			t.Errorf("%s: no mistake found", text)
			continue
		}
		if !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "CANARY") {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"redis://u:p@h:1/2", "rediss+sentinel://[::1]:1,b/m/0?sentinel_password=x", "redis+cluster://a,b"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		u, err := redisurl.Parse(text)
		if err != nil {
			return
		}
		if len(u.Hosts) == 0 {
			t.Fatalf("%q: no hosts", text)
		}
		for _, h := range u.Hosts {
			if _, port, err := net.SplitHostPort(h); err != nil || port == "" {
				t.Fatalf("%q: host %q", text, h)
			}
		}
	})
}
