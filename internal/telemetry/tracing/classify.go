package tracing

import (
	"context"
	"errors"

	"github.com/a64core/hub"
)

// classify returns a name for an error that is one of few whatever the error says, and whether the error is a fault of ours
// or of what we rely on.
func classify(err error) (name string, isFault bool) {
	if err == nil {
		return "", false
	}
	var coded *hub.Error
	if errors.As(err, &coded) {
		return string(coded.Code), coded.Kind == hub.KindInternal || coded.Kind == hub.KindUnavailable
	}
	for _, known := range []struct {
		err     error
		name    string
		isFault bool
	}{
		{context.Canceled, "canceled", false}, // somebody hung up
		{context.DeadlineExceeded, "timeout", true},
		{hub.ErrUnavailable, "unavailable", true},
		{hub.ErrNotFound, "not_found", false},
		{hub.ErrConflict, "conflict", false},
		{hub.ErrDuplicateEmail, "duplicate_email", false},
		{hub.ErrLastSuperAdmin, "last_super_admin", false},
		{hub.ErrOrphan, "orphan", false},
	} {
		if errors.Is(err, known.err) {
			return known.name, known.isFault
		}
	}
	return "_OTHER", true // the semantic conventions' name for the rest
}
