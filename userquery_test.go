package hub_test

import (
	"strings"
	"testing"

	"github.com/a64core/hub"
)

func FuzzPrefixEnd(f *testing.F) {
	for _, seed := range []string{"", "a", "z", "é", "\uD7FF", "\uE000", "\U0010FFFF", "a\U0010FFFF", "%", "_", "\xff", "\x00"} {
		f.Add(seed, "x")
		f.Add(seed, "\U0010FFFF")
	}
	f.Fuzz(func(t *testing.T, prefix, rest string) {
		prefix, rest = hub.Fold(strings.ToValidUTF8(prefix, "?")), strings.ToValidUTF8(rest, "?")
		end, ok := hub.PrefixEnd(prefix)
		if !ok {
			if strings.Trim(prefix, "\U0010FFFF") != "" {
				t.Errorf("no end for %q", prefix)
			}
			return
		}
		if prefix+rest >= end {
			t.Errorf("%q is not below the end %q of its prefix %q", prefix+rest, end, prefix)
		}
		// Nothing else lies between: whatever is below the end and not below the prefix begins with it.
		if rest >= prefix && rest < end && !strings.HasPrefix(rest, prefix) {
			t.Errorf("%q lies between %q and %q", rest, prefix, end)
		}
	})
}
