package password_test

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/password"
)

const emoji = "\U0001F600"

func TestCheck(t *testing.T) {
	t.Parallel()
	const (
		length   = "needs at least 8"
		long     = "at most 128"
		mixed    = "special character"
		common   = "tried first"
		about    = "must not be"
		unusable = "control character"
	)
	account := []string{"jane.doe@example.com", "Yrsa", "O'Neill-Śmith"}
	tests := []struct {
		name, password string
		want           string // part of the sentence; empty: accepted
	}{
		{"empty", "", length},
		{"7 characters (REG-21)", "kX7!vPq", length},
		{"8 characters", "kX7!vPqz", ""},
		{"8 code points of 4 bytes (REG-22)", "Aa1!" + strings.Repeat(emoji, 4), ""},
		{"7 code points of 4 bytes", "Aa1!" + strings.Repeat(emoji, 3), length},
		{"8 code points that compose to 7", "kX7!vPa\u0308", length},
		{"128 characters", "kX7!" + strings.Repeat("vP", 62), ""},
		{"129 characters", "kX7!v" + strings.Repeat("vP", 62), long},
		{"128 code points, 500 bytes", "Aa1!" + strings.Repeat(emoji, 124), ""},
		{"513 bytes", strings.Repeat("a", 513), long},
		{"1 MiB (REG-29)", strings.Repeat("aA1!", 1<<18), long},

		{"no upper case", "kx7!vpqz", mixed},
		{"no lower case", "KX7!VPQZ", mixed},
		{"no digit", "kXs!vPqz", mixed},
		{"no special", "kX71vPqz", mixed},
		{"other scripts", "жЖ٣ kkkk", ""},
		{"a letter without case is special", "kX7語vPqz", ""},
		{"space alone is special", "kX7 vPqz", ""},
		{"space at the end", "kX7vPqz ", ""},

		{"NUL", "kX7!vPqz\x00", unusable},
		{"tab", "kX7!\tvPqz", unusable},
		{"DEL", "kX7!\x7fvPqz", unusable},
		{"not UTF-8", "kX7!vPqz\xff", unusable},
		{"zero-width space", "kX7!vPqz\u200b", unusable},

		{"Password1!", "Password1!", common},
		{"Qwerty123!", "Qwerty123!", common},
		{"P@ssw0rd", "P@ssw0rd", common},
		{"P@ssw0rd1!", "P@ssw0rd1!", common},
		{"pA$$W0rD", "pA$$W0rD", common},
		{"Welcome1!", "Welcome1!", common},
		{"Admin123!", "Admin123!", common},
		{"Summer2024!", "Summer2024!", common},
		{"!!Letmein1", "!!Letmein1", common},
		{"L3tme!n99", "L3tme!n99", common},
		{"$unsh1ne", "$unsh1nE", common},
		{"Trustno1!", "Trustno1!", common},
		{"keyboard pattern", "1qaz@WSX", common},
		{"common word is half", "Dragon#71938", ""},
		{"common word is more than half", "Dragon#7193", common},
		{"common word in the middle of a passphrase", "correct Dragon Battery 9", ""},
		{"common words joined", "MonkeyDragon-Staple7", ""},
		{"common word in a long random password", "xK9#password!vQ2mZr7&", ""},

		{"own address", "Jane.doe@example.com1", about},
		{"local part and A1! (REG-27)", "jane.doeA1!", about},
		{"local part without its dot", "JaneDoe1!", about},
		{"local part written in digits", "J4n3.D03!", about},
		{"first name between digits", "Yrsa1234!", about},
		{"first name and enough besides", "Yrsa12345678!", ""},
		{"first name and enough letters besides", "Yrsa-Kx9!vw", ""},
		{"last name", "O'Neill-Śmith1", about},
		{"last name in another case and joined", "1!oneillśmitH", about},
		{"product", "A64Core1!", about},
		{"product in other words", "A64-Core Platform 1", about},
		{"whole product", "A64 Core Platform API Hub1!", about},
		{"further product", "Sunflowerville7!", about},
	}
	policy := password.NewPolicy("Sunflowerville")
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			err := policy.Check(hub.NewSecret(tt.password), account...)
			var bad *password.PolicyError
			switch {
			case tt.want == "" && err != nil:
				t.Errorf("refused: %v", err)
			case tt.want != "" && err == nil:
				t.Errorf("accepted, want %q", tt.want)
			case err != nil && (!errors.As(err, &bad) || !strings.Contains(bad.Message, tt.want)):
				t.Errorf("refused with %q, want %q", err, tt.want)
			}
		})
	}
}

func TestEachSpecialCharacterAloneSuffices(t *testing.T) {
	t.Parallel()
	policy := password.NewPolicy()
	for r := rune(' '); r < 0x7f; r++ {
		if strings.ContainsRune("0123456789", r) || 'A' <= r && r <= 'Z' || 'a' <= r && r <= 'z' {
			continue
		}
		if err := policy.Check(hub.NewSecret("kX7vPqz" + string(r))); err != nil {
			t.Errorf("%q: %v", r, err)
		}
	}
}

// An account that has no last name, or an odd address, must not make every password its own.
func TestEmptyContextForbidsNothing(t *testing.T) {
	t.Parallel()
	policy := password.NewPolicy("", "!")
	for _, context := range [][]string{nil, {""}, {"", "@", "..", " ", "a", "@example.com"}} {
		if err := policy.Check(hub.NewSecret("kX7!vPqz"), context...); err != nil {
			t.Errorf("%q: %v", context, err)
		}
	}
}

func TestPrepareREG36(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, in, want string
	}{
		{"composed", "P\u00e4ssw0rd!x", "P\u00e4ssw0rd!x"},
		{"decomposed", "Pa\u0308ssw0rd!x", "P\u00e4ssw0rd!x"},
		{"no-break space", "a\u00a0b", "a b"},
		{"ideographic space", "a\u3000b", "a b"},
		{"spaces at the ends stay", " ab ", " ab "},
		{"case stays", "AbC", "AbC"},
		{"width stays", "\uff21", "\uff21"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := password.Prepare(hub.NewSecret(tt.in))
			if err != nil || got.Reveal() != tt.want {
				t.Errorf("Prepare = %q, %v; want %q", got.Reveal(), err, tt.want)
			}
		})
	}
}

func FuzzCheck(f *testing.F) {
	policy := password.NewPolicy()
	for _, text := range []string{"", "kX7!vPqz", "Password1!", "a\u0308", "\xff", "\x00", "A64Core1!", strings.Repeat(emoji, 128)} {
		f.Add(text, "jane.doe@example.com")
	}
	f.Add("Jane1234!", "Jane")
	f.Fuzz(func(t *testing.T, text, context string) {
		raw := hub.NewSecret(text)
		err := policy.Check(raw, context)
		if err != nil {
			var bad *password.PolicyError
			if !errors.As(err, &bad) || bad.Message == "" {
				t.Errorf("error %v", err)
			}
			return
		}
		once, err := password.Prepare(raw)
		if err != nil {
			t.Fatalf("accepted, yet it has no prepared form: %v", err)
		}
		if n := utf8.RuneCountInString(once.Reveal()); n < 8 || n > 128 || len(text) > 512 {
			t.Errorf("accepted %d code points, %d bytes", n, len(text))
		}
		if twice, err := password.Prepare(once); err != nil || twice != once {
			t.Errorf("the prepared form changes when prepared again: %q, %q", once.Reveal(), twice.Reveal())
		}
		if policy.Check(once, context) != nil {
			t.Error("accepted, but not in its prepared form")
		}
	})
}

func BenchmarkCheck(b *testing.B) {
	policy := password.NewPolicy()
	for name, text := range map[string]string{
		"usual":     "kX7!vPqz-Tulip",
		"expensive": strings.Repeat("!", 63) + "aA" + strings.Repeat("1", 63),
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				_ = policy.Check(hub.NewSecret(text), "jane.doe@example.com", "Jane", "Doe")
			}
		})
	}
	b.Run("load", func(b *testing.B) {
		for b.Loop() {
			_ = password.NewPolicy()
		}
	})
}
