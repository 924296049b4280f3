package field_test

import (
	"strings"
	"testing"

	"github.com/a64core/hub/internal/field"
)

func TestErrorsNeverRepeatTheValue(t *testing.T) {
	t.Parallel()
	const value = "zq8secret\x00"
	checks := map[string]func(string) (string, error){
		"email": field.Email, "name": field.Name, "phone": field.Phone,
		"avatar": field.Avatar, "timezone": field.Timezone, "locale": field.Locale,
		"metadata": func(raw string) (string, error) {
			got, err := field.Metadata([]byte(raw))
			return string(got), err
		},
	}
	for name, check := range checks {
		for _, raw := range []string{value, `{"` + value, `{"$` + value + `":1}`} {
			_, err := check(raw)
			if err == nil || strings.Contains(err.Error(), "zq8") || !strings.HasPrefix(err.Error(), "must ") {
				t.Errorf("%s(%q): %v", name, raw, err)
			}
		}
	}
}
