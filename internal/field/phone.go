package field

import (
	"errors"
	"strings"
)

// Lengths of a number in digits: ITU-T E.164 sets the greatest; the least is that of the shortest national numbers
// (four digits) behind a country code of three.
const (
	minPhoneDigits = 7
	maxPhoneDigits = 15
)

var errPhone = errors.New("must be a phone number in E.164 form such as +4930123456")

// Phone returns a phone number in E.164 form: a plus sign, the country code and the number, digits only.
func Phone(raw string) (string, error) {
	digits, found := strings.CutPrefix(raw, "+")
	if !found || len(digits) < minPhoneDigits || len(digits) > maxPhoneDigits || digits[0] == '0' ||
		strings.Trim(digits, "0123456789") != "" {
		return "", errPhone
	}
	return raw, nil
}
