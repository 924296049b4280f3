// Package scratch makes databases on servers that somebody else runs, for programs that measure, and drops them.
package scratch

import (
	"strings"
	"time"

	"github.com/a64core/hub"
)

// dropTimeout bounds what is done after whoever wanted the database may have left.
const dropTimeout = time.Minute

// uniqueName begins as people will recognize it if a killed program leaves its database behind.
func uniqueName() string { return "a64bench_" + strings.ReplaceAll(hub.NewID(), "-", "") }
