package spent

import (
	"encoding/hex"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/a64core/hub"
)

func at(ms int64) time.Time { return time.UnixMilli(ms).UTC() }

// family returns n tokens as refreshing makes them, a second apart.
func family(n int) []hub.SpentToken {
	tokens := make([]hub.SpentToken, n)
	for i := range tokens {
		issued := at(1767322984123).Add(time.Duration(i) * time.Second)
		tokens[i] = hub.SpentToken{
			RefreshToken: hub.RefreshToken{ID: hub.NewID(), Hash: hub.LockoutKey(hub.NewID()), IssuedAt: issued, ExpiresAt: issued.Add(168 * time.Hour)},
			SpentAt:      issued.Add(time.Second),
		}
	}
	return tokens
}

func mustUnpack(t interface{ Fatal(...any) }, b []byte) []hub.SpentToken {
	tokens, err := Unpack(b)
	if err != nil {
		t.Fatal(err)
	}
	return tokens
}

// TestTheBytesStayTheSame holds the form, in which databases have tokens of earlier versions.
func TestTheBytesStayTheSame(t *testing.T) {
	t.Parallel()
	tokens := []hub.SpentToken{
		{RefreshToken: hub.RefreshToken{ID: "0194260d-6d00-7abc-8def-0123456789ab", Hash: "00ff10", IssuedAt: at(1000), ExpiresAt: at(1200)}, SpentAt: at(1001)},
		{RefreshToken: hub.RefreshToken{ID: "Other", Hash: "", IssuedAt: at(1001), ExpiresAt: at(1201)}, SpentAt: at(1065)},
	}
	const want = "32" + "0194260d6d007abc8def0123456789ab" + "0a" + "00ff10" + "d00f" + "02" + "9003" +
		"0f" + "4f74686572" + "01" + "00" + "8001" + "9003"
	if got := hex.EncodeToString(Pack(tokens)); got != want {
		t.Errorf("packed as\n%s, want\n%s", got, want)
	}
	if got := mustUnpack(t, Pack(tokens)); !slices.Equal(got, tokens) {
		t.Errorf("unpacked as %v", got)
	}
}

func TestATokenOfAFamilyIsSmall(t *testing.T) {
	t.Parallel()
	if least, most := 16+32, 64; len(Pack(family(16)))/16 < least || len(Pack(family(16)))/16 > most {
		t.Errorf("%d bytes a token", len(Pack(family(16)))/16)
	}
	if b := Pack(nil); b == nil || len(b) != 0 {
		t.Errorf("no tokens are %v", b)
	}
}

func TestWhateverIsPackedIsUnpacked(t *testing.T) {
	t.Parallel()
	const id = `[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`
	text := rapid.OneOf(rapid.String(), rapid.StringMatching(`[0-9a-f]*`), rapid.StringMatching(`[0-9A-F]*`), rapid.StringMatching(id), rapid.StringMatching(id+`F`))
	moment := rapid.Custom(func(t *rapid.T) time.Time {
		return at(rapid.Int64Range(time.Time{}.UnixMilli(), time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()).Draw(t, "ms"))
	})
	rapid.Check(t, func(t *rapid.T) {
		tokens := rapid.SliceOf(rapid.Custom(func(t *rapid.T) hub.SpentToken {
			return hub.SpentToken{
				RefreshToken: hub.RefreshToken{ID: text.Draw(t, "id"), Hash: text.Draw(t, "hash"), IssuedAt: moment.Draw(t, "issued"), ExpiresAt: moment.Draw(t, "expires")},
				SpentAt:      moment.Draw(t, "spent"),
			}
		})).Draw(t, "tokens")
		if got := mustUnpack(t, Pack(tokens)); !slices.Equal(got, tokens) {
			t.Fatalf("%v came back as %v", tokens, got)
		}
	})
}

func TestATokenThatIsCutShortIsAnError(t *testing.T) {
	t.Parallel()
	b := Pack(family(1))
	for n := 1; n < len(b); n++ {
		if tokens, err := Unpack(b[:n]); err == nil {
			t.Errorf("%d of %d bytes are %d tokens", n, len(b), len(tokens))
		}
	}
}

func FuzzUnpack(f *testing.F) {
	f.Add(Pack(family(2)))
	f.Add([]byte{0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		tokens, err := Unpack(b)
		if err != nil {
			return
		}
		if again := mustUnpack(t, Pack(tokens)); !slices.Equal(again, tokens) {
			t.Errorf("%x: %v, then %v", b, tokens, again)
		}
	})
}

func BenchmarkPack(b *testing.B) {
	tokens := family(16)
	b.ReportAllocs()
	for b.Loop() {
		_ = Pack(tokens)
	}
}

func BenchmarkUnpack(b *testing.B) {
	packed := Pack(family(16))
	b.ReportAllocs()
	for b.Loop() {
		mustUnpack(b, packed)
	}
}
