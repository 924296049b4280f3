package app

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"
)

// The configurations in deploy/ must fit the limits here, whoever changes either.
func TestBalancersHaveMorePatienceThanTheHub(t *testing.T) {
	t.Parallel()
	const synRepeated = time.Second // after a first packet was dropped: see ignoreNewcomers
	for _, tt := range []struct {
		file, setting   string
		longer, shorter time.Duration // zero: no matter
	}{
		{"nginx/nginx.conf", `proxy_read_timeout`, writeTimeout, 0},
		{"nginx/nginx.conf", `proxy_connect_timeout`, synRepeated, 0},
		{"nginx/nginx.conf", `        keepalive_timeout`, 0, idleTimeout}, // of connections to the hub
		{"haproxy/haproxy.cfg", `timeout server`, writeTimeout, 0},
		{"haproxy/haproxy.cfg", `timeout connect`, synRepeated, 0},
		{"haproxy/haproxy.cfg", `timeout check`, readyTimeout, 0},
	} {
		text, err := os.ReadFile(filepath.Join("..", "..", "deploy", filepath.FromSlash(tt.file)))
		if err != nil {
			t.Fatal(err)
		}
		found := regexp.MustCompile(`\n *` + tt.setting + ` +(\d+s)`).FindSubmatch(text)
		if found == nil {
			t.Errorf("%s does not say %s", tt.file, tt.setting)
			continue
		}
		got, err := time.ParseDuration(string(found[1]))
		if err != nil || got <= tt.longer || tt.shorter > 0 && got >= tt.shorter {
			t.Errorf("%s: %s is %v, want more than %v, less than %v; %v", tt.file, tt.setting, got, tt.longer, tt.shorter, err)
		}
	}
}
