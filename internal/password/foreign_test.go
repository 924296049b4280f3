package password_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/password"
)

// foreignHashes were made by the programs named, of "kX7!vPqz" unless another password is given.
func foreignHashes() []struct{ name, hash, password string } {
	return []struct{ name, hash, password string }{
		{"htpasswd 2.4 -B", "$2y$04$NZ7Reo7lAOLZmxgKSOILx.cdpqJRdE7KzA/umWYR0jEx2A3exOC6m", ""},
		{"argon2 20171227 -id", "$argon2id$v=19$m=1024,t=2,p=2$c29tZXNhbHRzYWx0$hXfsLSnsqTC6DErixA3C+XbMSGUPNjo3Ehn+rHblmlQ", ""},
		{"passlib 1.7 argon2, type ID", "$argon2id$v=19$m=1024,t=2,p=2$di6F8H4PoXRu7d1b6x2jtA$q4dWUtNo2xZmtkPfwdZZ2Q", ""},
		{"passlib 1.7 argon2, type I", "$argon2i$v=19$m=1024,t=2,p=1$izEGwHjPGaMUAmCsde7dWw$9PmjNixzZhKTccW1ywiGBg", ""},
		{"passlib 1.7 scrypt", "$scrypt$ln=10,r=8,p=1$SAlhzDkH4HyPkZLSGgNAiA$/pJeFlDg9CfRwIwcEItekALaTYA0Kr47McjuFCDGnEU", ""},
		{"passlib 1.7 pbkdf2_sha1", "$pbkdf2$1000$z9k7p7T2/h8DwJgzxhjDGA$wxfzGbIW2uv3QSbgSDUfFcyLYYQ", ""},
		{"passlib 1.7 pbkdf2_sha256", "$pbkdf2-sha256$1000$mPO.V4pxrtWak3JujXEOIQ$9zsNdhippKw1pKgoGtWcOR6jlbJvKq36W9dvk7sXCxA", ""},
		{"passlib 1.7 pbkdf2_sha512", "$pbkdf2-sha512$1000$ao3xfq/VundOac05J.Qc4w$eiIaJDqAdUViEho/xuEH2sAOYJINO02BMh4xQDhI2cDCPz1OLW0gAHzb8cPz13Yvfaw4/4c6D6LK/o4Vgj3izQ", ""},
		{"passlib 1.7 django_pbkdf2_sha256", "pbkdf2_sha256$1000$TjNxye8BC1Lk$R3nrDFVXndI+OZA7Ta9mtk7aC34+UV3lr/u3VknvAoQ=", ""},
		{"passlib 1.7 django_pbkdf2_sha1", "pbkdf2_sha1$1000$DRoM5K2xyh4S$d8ziStv7qer1fB4tZmK7TVmHz+s=", ""},
		{"Django argon2, by passlib", "argon2$argon2id$v=19$m=1024,t=2,p=2$di6F8H4PoXRu7d1b6x2jtA$q4dWUtNo2xZmtkPfwdZZ2Q", ""},
		{"Django bcrypt, by htpasswd", "bcrypt$$2y$04$NZ7Reo7lAOLZmxgKSOILx.cdpqJRdE7KzA/umWYR0jEx2A3exOC6m", ""},
		{"Django bcrypt_sha256, by sha256sum and htpasswd", "bcrypt_sha256$$2y$04$WArkyIkEIqagou.JTc9JxuGkMokX9CW/EUEQs6NKTianupcusGoMO", ""},
		{"Django scrypt, by Python 3 hashlib", "scrypt$1024$seasalt$8$2$t4GPVOgZlWkSuZ2Vh52C20wuRocuC8aO9HGnucNhdQxHp5TjuN1nZBdUzlBmhZbbV7zq5Euly03qxEsX+A2aXw==", ""},
		{"Kratos scrypt, by Python 3 hashlib", "$scrypt$ln=1024,r=8,p=1$c29kaXVtIGNobG9yaWRlIQ==$/xYzOpDh4ybYqfsB6YxtNelhjz2zB5hLp9chO3wqg7E=", ""},
		{"Kratos pbkdf2, by Python 3 hashlib", "$pbkdf2-sha256$i=1000,l=32$c29kaXVtIGNobG9yaWRlIQ$irDYF58tJdVUnszE+FBGeQ+kEv8MyU0kYyxDx//1ym8", ""},
		{"Keycloak pbkdf2-sha256, by Python 3 hashlib", "$pbkdf2-sha256$i=1000$c29kaXVtIGNobG9yaWRlIQ==$irDYF58tJdVUnszE+FBGeQ+kEv8MyU0kYyxDx//1ym+rb7jS421B5rB+MJXr+vIJfdr4ZOhHWbeQ/oon1zMkUw==", ""},
		{"Keycloak pbkdf2-sha512, by Python 3 hashlib", "$pbkdf2-sha512$i=1000$c29kaXVtIGNobG9yaWRlIQ==$F/dpy6/V4WMbXv1gTC87MSPArFYGDQAo0PibDA8OczCcAAsg46gH5S8BQWJdJdhMa1ylmBvHSLis3uw1Ct/xKg==", "Grüße-7-Köln"},
		{
			"github.com/firebase/scrypt, from its documentation",
			"$fbscrypt$v=1,n=14,r=8,p=1,ss=Bw==,sk=jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==$42xEC+ixf3L2lw==$lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ==",
			"user1password",
		},
	}
}

func TestHashesOfOtherSystemsVerify(t *testing.T) {
	t.Parallel()
	h := newHasher()
	for _, tt := range foreignHashes() {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			right := tt.password
			if right == "" {
				right = "kX7!vPqz"
			}
			kept, err := password.Adopt(hub.NewSecret(tt.hash))
			if err != nil {
				t.Fatal(err)
			}
			if again, err := password.Adopt(kept); again != kept || err != nil {
				t.Errorf("adopted twice: %v, %v", again.Reveal(), err)
			}
			if !match(t, h, kept, right) {
				t.Error("the right password does not match")
			}
			for _, wrong := range []string{"", right + " ", right[1:], strings.ToUpper(right)} {
				if match(t, h, kept, wrong) {
					t.Errorf("%q matches", wrong)
				}
			}
			// One bit less in the last character of the digest that counts in full.
			if broken := breakDigest(kept.Reveal()); match(t, h, hub.NewSecret(broken), right) {
				t.Errorf("%s matches", broken)
			}
			if !strings.HasPrefix(kept.Reveal(), "$2") && !h.Outdated(kept) {
				t.Error("it would be kept for ever")
			}
		})
	}
}

func breakDigest(hash string) string {
	at := len(strings.TrimRight(hash, "=")) - 3
	other := "A"
	if hash[at] == 'A' {
		other = "B"
	}
	return hash[:at] + other + hash[at+1:]
}

func TestHashesThatCannotBeAdopted(t *testing.T) {
	t.Parallel()
	const salt, digest = "c29kaXVtIGNobG9yaWRlIQ", "irDYF58tJdVUnszE+FBGeQ"
	argon2 := func(p string) string { return "$argon2id$v=19$" + p + "$" + salt + "$" + digest }
	scrypt := func(p string) string { return "$scrypt$" + p + "$" + salt + "$" + digest }
	firebase := func(p string) string {
		return "$fbscrypt$" + p + ",ss=Bw==,sk=irDYF58tJdVUnszE+FBGeQ==$" + salt + "$" + digest
	}
	tests := []struct {
		name, hash string
		want       error
	}{
		{"nothing", "", password.ErrHashUnknown},
		{"a password", "kX7!vPqz", password.ErrHashUnknown},
		{"MD5", "5f4dcc3b5aa765d61d8327deb882cf99", password.ErrHashUnknown},
		{"SHA-512 crypt", "$6$salt$" + strings.Repeat("a", 86), password.ErrHashUnknown},
		{"the faulty bcrypt", "$2x$04$NZ7Reo7lAOLZmxgKSOILx.cdpqJRdE7KzA/umWYR0jEx2A3exOC6m", password.ErrHashUnknown},
		{"costly bcrypt", "$2b$17$NZ7Reo7lAOLZmxgKSOILx.cdpqJRdE7KzA/umWYR0jEx2A3exOC6m", password.ErrHashCost},
		{"costly bcrypt of Django", "bcrypt_sha256$$2b$17$NZ7Reo7lAOLZmxgKSOILx.cdpqJRdE7KzA/umWYR0jEx2A3exOC6m", password.ErrHashCost},
		{"argon2id of 4 GiB", argon2("m=4194304,t=1,p=1"), password.ErrHashCost},
		{"argon2id of many passes", argon2("m=262144,t=5,p=1"), password.ErrHashCost},
		{"argon2id of countless passes", argon2("m=8,t=2147483647,p=1"), password.ErrHashCost},
		{"argon2id of many lanes", argon2("m=65536,t=1,p=255"), password.ErrHashCost},
		{"argon2id of lanes beyond a byte", argon2("m=65536,t=1,p=257"), password.ErrHashCost},
		{"argon2d", strings.Replace(argon2("m=1024,t=1,p=1"), "2id", "2d", 1), password.ErrHashUnknown},
		{"argon2 1.0", strings.Replace(argon2("m=1024,t=1,p=1"), "v=19", "v=16", 1), password.ErrHashUnknown},
		{"argon2id without passes", argon2("m=1024,p=1"), password.ErrHashUnknown},
		{"argon2id of no pass", argon2("m=1024,t=0,p=1"), password.ErrHashUnknown},
		{"argon2id said twice", argon2("m=1024,m=1024,t=1,p=1"), password.ErrHashUnknown},
		{"argon2id with a key", argon2("m=1024,t=1,p=1,keyid=1"), password.ErrHashUnknown},
		{"argon2id of a negative number", argon2("m=-1024,t=1,p=1"), password.ErrHashUnknown},
		{"argon2id without a digest", "$argon2id$v=19$m=1024,t=1,p=1$" + salt + "$", password.ErrHashUnknown},
		{"argon2id of a short digest", "$argon2id$v=19$m=1024,t=1,p=1$" + salt + "$irDYF58t", password.ErrHashUnknown},
		{"argon2id with a line break", "$argon2id$v=19$m=1024,t=1,p=1$" + salt + "$irDYF58tJd\nVUnszE+FBGeQ", password.ErrHashUnknown},
		{"scrypt of 512 MiB", scrypt("ln=19,r=8,p=1"), password.ErrHashCost},
		{"scrypt of much work", scrypt("ln=16,r=8,p=9"), password.ErrHashCost},
		{"scrypt of 2^63", scrypt("ln=63,r=1,p=1"), password.ErrHashCost},
		{"scrypt of large blocks", scrypt("ln=1,r=2147483647,p=1"), password.ErrHashCost},
		{"scrypt of no power of two", scrypt("ln=1000,r=8,p=1"), password.ErrHashUnknown},
		{"scrypt of Django, costly", "scrypt$1048576$salt$8$1$" + digest, password.ErrHashCost},
		{"scrypt of Firebase, costly", firebase("v=1,n=20,r=8,p=1"), password.ErrHashCost},
		{"scrypt of Firebase, another version", firebase("v=2,n=14,r=8,p=1"), password.ErrHashUnknown},
		{"pbkdf2 of many iterations", "$pbkdf2-sha256$i=3000001$" + salt + "$" + digest, password.ErrHashCost},
		{"pbkdf2 of many blocks", "$pbkdf2-sha256$i=2000000$" + salt + "$" + digest + digest + digest + "AA", password.ErrHashCost},
		{"pbkdf2 of another length than said", "$pbkdf2-sha256$i=1000,l=32$" + salt + "$" + digest, password.ErrHashUnknown},
		{"pbkdf2 with MD5", "$pbkdf2-md5$i=1000$" + salt + "$" + digest, password.ErrHashUnknown},
		{"pbkdf2 of Django, costly", "pbkdf2_sha256$3000001$salt$" + digest, password.ErrHashCost},
		{"longer than a database keeps", "pbkdf2_sha256$1000$" + strings.Repeat("s", 255) + "$" + digest, password.ErrHashUnknown},
	}
	h := newHasher()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			kept, err := password.Adopt(hub.NewSecret(tt.hash))
			if !errors.Is(err, tt.want) || kept != (hub.Secret{}) {
				t.Errorf("%v, %v", kept.Reveal(), err)
			}
			if tt.hash != "" && strings.Contains(fmt.Sprint(err), tt.hash) {
				t.Errorf("the error repeats the hash: %v", err)
			}
			// What came into the database another way costs no more either: it is not compared with at all.
			if match(t, h, hub.NewSecret(tt.hash), "kX7!vPqz") {
				t.Error("it matches")
			}
		})
	}
}

// Whatever is adopted can be compared with, and what is not matches nothing.
func FuzzAdopt(f *testing.F) {
	for _, tt := range foreignHashes() {
		f.Add(tt.hash)
	}
	f.Fuzz(func(t *testing.T, text string) {
		kept, err := password.Adopt(hub.NewSecret(text))
		if err != nil {
			if kept != (hub.Secret{}) || !errors.Is(err, password.ErrHashUnknown) && !errors.Is(err, password.ErrHashCost) {
				t.Errorf("%q, %v", kept.Reveal(), err)
			}
			return
		}
		if again, err := password.Adopt(kept); err != nil || again != kept {
			t.Errorf("%q is adopted as %q, and that as %q, %v", text, kept.Reveal(), again.Reveal(), err)
		}
	})
}

// BenchmarkCostliest compares with the costliest hashes that are adopted: what one login can be made to cost.
func BenchmarkCostliest(b *testing.B) {
	const salt = "c29kaXVtIGNobG9yaWRlIQ"
	const digest = "irDYF58tJdVUnszE+FBGeQ"
	h := newHasher()
	for _, tt := range []struct{ name, hash string }{
		{"bcrypt", "$2b$16$NZ7Reo7lAOLZmxgKSOILx.cdpqJRdE7KzA/umWYR0jEx2A3exOC6m"},
		{"argon2id", "$argon2id$v=19$m=262144,t=4,p=1$" + salt + "$" + digest},
		{"scrypt", "$scrypt$ln=18,r=8,p=2$" + salt + "$" + digest},
		{"pbkdf2-sha1", "$pbkdf2$3000000$" + salt + "$" + digest},
		{"pbkdf2-sha256", "$pbkdf2-sha256$3000000$" + salt + "$" + digest},
		{"pbkdf2-sha512", "$pbkdf2-sha512$3000000$" + salt + "$" + digest},
	} {
		b.Run(tt.name, func(b *testing.B) {
			if _, err := password.Adopt(hub.NewSecret(tt.hash)); err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				match(b, h, hub.NewSecret(tt.hash), "kX7!vPqz")
			}
		})
	}
}
