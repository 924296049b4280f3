package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/store/replica"
)

// comparison is what the process that compares prints.
type comparison struct {
	Compared int
	Seconds  float64
	Found    []string

	MiB float64 `json:"-"` // the most memory that the process had
}

// runComparison compares the two databases that the environment names.
func runComparison(ctx context.Context) (err error) {
	port, err := strconv.Atoi(os.Getenv("MYSQL_PORT"))
	if err != nil {
		return fmt.Errorf("MYSQL_PORT: %w", err)
	}
	db := databaseOf(os.Getenv, port)
	source, err := db.open(ctx, true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, source.Close()) }()
	target, err := db.openSecondary(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, target.Close()) }()
	var out comparison
	c := replica.Comparison{
		Source: source, Target: target, Kinds: hub.RecordKinds(),
		Found: func(d replica.Difference) error {
			out.Found = append(out.Found, finding(d.Key, d.Missing, d.Fields))
			return nil
		},
	}
	began := time.Now()
	result, err := c.Run(ctx)
	if err != nil {
		return err
	}
	out.Seconds, out.Compared = time.Since(began).Seconds(), result.Compared[hub.RecordUser]
	return json.NewEncoder(os.Stdout).Encode(out)
}

// finding is what is said of one difference.
func finding(key hub.RecordKey, missing replica.Side, fields []string) string {
	if missing != "" {
		return fmt.Sprintf("%s %s: missing in the %s", key.Kind, key.ID, missing)
	}
	return fmt.Sprintf("%s %s: %s", key.Kind, key.ID, strings.Join(fields, ", "))
}

// compareInProcess compares in a process of its own, whose memory is watched.
func compareInProcess(ctx context.Context, db *database) (c comparison, err error) {
	self, err := os.Executable()
	if err != nil {
		return c, fmt.Errorf("find own program: %w", err)
	}
	var out bytes.Buffer
	cmd := exec.CommandContext(ctx, self, "-compare")
	cmd.Env, cmd.Stdout, cmd.Stderr = db.environment(), &out, os.Stderr
	if err := cmd.Start(); err != nil {
		return c, fmt.Errorf("start the comparison: %w", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case err := <-ended:
			if err != nil {
				return c, fmt.Errorf("compare: %w", err)
			}
			return c, json.Unmarshal(out.Bytes(), &c)
		case <-tick.C:
			c.MiB = max(c.MiB, memoryMiB(cmd, "VmHWM"))
		}
	}
}
