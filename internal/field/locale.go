package field

import (
	"errors"

	"golang.org/x/text/language"
)

// maxLocale is the greatest length of a locale in octets, as sent and as kept.
const maxLocale = 10

var errLocale = errors.New("must be a BCP 47 language tag of at most 10 characters such as de or en-GB")

// Locale returns a language tag in the canonical form of BCP 47: EN_gb becomes en-GB, iw becomes he.
func Locale(raw string) (string, error) {
	if raw == "" || len(raw) > maxLocale {
		return "", errLocale
	}
	tag, err := language.Parse(raw)
	if err != nil || tag.IsRoot() {
		return "", errLocale
	}
	canonical := tag.String()
	if len(canonical) > maxLocale {
		return "", errLocale
	}
	return canonical, nil
}
