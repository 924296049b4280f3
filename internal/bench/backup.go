package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"time"
)

const (
	backupPatches = 100 // a second, while a backup is made
	backupStall   = 100 // milliseconds that it may keep a change waiting
	longestBackup = 10 * time.Minute
)

// measureBackup changes names while a backup is made of a database that a hub serves from.
func (b *bench) measureBackup(ctx context.Context, g *grown) error {
	progress(g.mode + ": PATCH while a backup is made, " + g.size())
	if err := g.signIn(ctx); err != nil {
		return err
	}
	var made atomic.Bool
	backup := make(chan error, 1)
	began := time.Now()
	var took time.Duration
	go func() {
		err := b.program.backup(ctx, g.db)
		took = time.Since(began)
		made.Store(true)
		backup <- err
	}()
	r, err := loadAtRate(ctx, g.server.addr, accounts, backupPatches, longestBackup, 200, func(client int) func([]byte) request {
		next := g.patches(client)
		return func(last []byte) request {
			if made.Load() {
				return nil
			}
			return next(last)
		}
	})
	if err := errors.Join(err, <-backup); err != nil {
		return err
	}
	longest := ms(r.percentile(1))
	b.add(row{
		Mode: g.mode, What: "PATCH /users/me while a backup is made, " + g.size(), figures: r.figures(),
		Note: fmt.Sprintf("the longest %s ms; the backup took %s", number(longest, ""), took.Round(time.Second/10)),
	}, atMost(longest, backupStall, "ms, the longest"))
	return nil
}

// backup runs "a64core backup".
func (p *program) backup(ctx context.Context, db *database) error {
	cmd := exec.CommandContext(ctx, p.binary, "backup", filepath.Join(db.dir, "backup.a64"))
	cmd.Dir, cmd.Env = db.dir, append(db.environment(), "SECRET_KEY="+p.key)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("backup: %w: %s", err, out)
	}
	return nil
}
