package hub_test

import (
	"strings"
	"testing"

	"github.com/a64core/hub"
)

func TestNewIDIsAVersion7UUIDAndUnique(t *testing.T) {
	t.Parallel()
	seen := make(map[string]bool)
	for range 5000 {
		id := hub.NewID()
		if !hub.IsID(id) || id[14] != '7' || !strings.ContainsRune("89ab", rune(id[19])) {
			t.Fatalf("NewID = %s, not a version 7 UUID", id)
		}
		if seen[id] {
			t.Fatalf("NewID gave %s twice", id)
		}
		seen[id] = true
	}
}

func TestIsIDTakesOneFormOnly(t *testing.T) {
	t.Parallel()
	const good = "01890a5d-ac96-774b-bcce-b302099a8057"
	if !hub.IsID(good) {
		t.Errorf("IsID(%s) = false", good)
	}
	for _, bad := range []string{
		"", good[1:], good + "0", strings.ToUpper(good), "{" + good[1:35] + "}", strings.ReplaceAll(good, "-", "_"),
		strings.Replace(good, "0", "g", 1), `{"$ne":null}`,
	} {
		if hub.IsID(bad) {
			t.Errorf("IsID(%q) = true", bad)
		}
	}
}

func TestDerivedIDsFollowFromNamespaceAndName(t *testing.T) {
	t.Parallel()
	id := hub.DeriveID("file", "ada@example.com")
	if !hub.IsID(id) || id[14] != '8' || !strings.ContainsRune("89ab", rune(id[19])) {
		t.Errorf("%s is no UUID of version 8", id)
	}
	if again := hub.DeriveID("file", "ada@example.com"); again != id {
		t.Errorf("%s, then %s", id, again)
	}
	for _, other := range []string{hub.DeriveID("file", "bob@example.com"), hub.DeriveID("other", "ada@example.com"), hub.DeriveID("filea", "da@example.com")} {
		if other == id {
			t.Error("two names have one id")
		}
	}
}
