package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"time"

	"github.com/a64core/hub"
)

// verification is what "a64core store verify" says, and what it took.
type verification struct {
	Whole      bool
	Findings   []string
	Comparison struct {
		Compared    map[hub.RecordKind]int
		Differences []struct {
			Kind   hub.RecordKind
			ID     string
			Fields []string
		}
	}

	took time.Duration
	mib  float64 // the most memory that the process had
}

// found lists what it found, for people.
func (v *verification) found() (all []string) {
	all = append(all, v.Findings...)
	for _, d := range v.Comparison.Differences {
		all = append(all, fmt.Sprintf("%s %s: %v", d.Kind, d.ID, d.Fields))
	}
	return all
}

// verify runs "a64core store verify" and watches its memory.
func (p *program) verify(ctx context.Context, db *database) (v verification, err error) {
	var out, complaint bytes.Buffer
	cmd := exec.CommandContext(ctx, p.binary, "store", "verify", "--json")
	cmd.Dir, cmd.Env = db.dir, append(db.environment(), "SECRET_KEY="+p.key)
	cmd.Stdout, cmd.Stderr = &out, &complaint
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return v, fmt.Errorf("start store verify: %w", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case err := <-ended:
			v.took = time.Since(began)
			var exit *exec.ExitError
			if err != nil && (!errors.As(err, &exit) || out.Len() == 0) { // something that was found ends it with an error too
				return v, fmt.Errorf("store verify: %w: %s", err, complaint.Bytes())
			}
			return v, json.Unmarshal(out.Bytes(), &v)
		case <-tick.C:
			v.mib = max(v.mib, memoryMiB(cmd, "VmHWM"))
		}
	}
}
