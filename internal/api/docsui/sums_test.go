package docsui

import (
	"crypto/sha256"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write assets/SHA256SUMS")

func TestTheSumsAreThoseOfTheAssets(t *testing.T) {
	t.Parallel()
	entries, err := files.ReadDir("assets")
	if err != nil {
		t.Fatal(err)
	}
	var want strings.Builder
	for _, entry := range entries {
		content, err := files.ReadFile("assets/" + entry.Name())
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&want, "%x  %s\n", sha256.Sum256(content), entry.Name())
	}
	if *update {
		if err := os.WriteFile(filepath.Join("assets", "SHA256SUMS"), []byte(want.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if sums != want.String() {
		t.Errorf("SHA256SUMS says\n%swant\n%sRun make generate.", sums, want.String())
	}
}
