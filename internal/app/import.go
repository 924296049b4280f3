package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/userfile"
	"github.com/a64core/hub/internal/users"
)

// importers is how many rows are dealt with at a time: as many as the SQLite writer commits together.
const importers = 64

// maxRejected bounds how many rows may be wrong. Whoever has more has another problem.
const maxRejected = 100_000

// Import makes accounts of a file's rows: it reads them all, looks what each would do, and then writes.
type Import struct {
	Path        string // of a regular file: it is read three times
	Format      userfile.Format
	Rules       users.ImportRules // Source is found out
	DryRun      bool              // only look
	SkipInvalid bool              // write the others although some rows are wrong

	Begin    func(what string)                            // is told before each pass
	Progress func(done, total int)                        // rows; a total of 0 is not known yet
	Rejected func(line int, wrong []hub.FieldError) error // is told what is wrong with a row, in no particular order
}

// Imported counts rows, by what became of them or, before anything is written, by what would.
type Imported struct {
	Rows      int
	Added     int
	Updated   int
	Unchanged int
	Skipped   int
	Rejected  int
	Written   bool // the last pass has begun
}

func (i *Imported) count(o users.ImportOutcome) {
	switch o {
	case users.ImportAdded:
		i.Added++
	case users.ImportUpdated:
		i.Updated++
	case users.ImportUnchanged:
		i.Unchanged++
	case users.ImportSkipped:
		i.Skipped++
	}
}

// Run imports. Each row is one step of the store, whole or not at all, and a row that was imported before is left as it is:
// after an interruption the same run may simply be made again. Nothing is written if any row is wrong, unless SkipInvalid.
func (a Import) Run(ctx context.Context, service *users.Service) (Imported, error) {
	r := &importRun{Import: a, rejected: make(map[int]bool)}
	a.Begin("Reading")
	if err := r.read(ctx); err != nil {
		return r.made, err
	}
	a.Begin("Checking")
	if err := r.each(ctx, service.PlanImport); err != nil {
		return r.made, err
	}
	if a.DryRun || r.made.Rejected > 0 && !a.SkipInvalid {
		return r.made, nil
	}
	a.Begin("Importing")
	r.made = Imported{Rows: r.made.Rows, Rejected: r.made.Rejected, Written: true}
	err := r.each(ctx, service.Import)
	return r.made, err
}

// importRun is one run of an Import.
type importRun struct {
	Import

	mu       sync.Mutex // guards what follows, and the functions that are told
	made     Imported
	rejected map[int]bool // lines
}

// read is the first pass: it counts the rows, finds those that repeat others, and what stands for the file's content.
func (r *importRun) read(ctx context.Context) (err error) {
	repeats, err := userfile.NewRepeats()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, repeats.Close()) }()
	sum := sha256.New()
	err = r.rows(sum, func(row *userfile.Row) error {
		r.made.Rows++
		r.Progress(r.made.Rows, 0)
		if id := row.User.ID; id != "" {
			if err := repeats.Add(row.Line, "id "+id); err != nil {
				return err
			}
		}
		if email := row.User.Email; email != "" {
			if err := repeats.Add(row.Line, "address "+email); err != nil {
				return err
			}
		}
		return ctx.Err()
	})
	if err != nil {
		return err
	}
	r.Rules.Source = hex.EncodeToString(sum.Sum(nil))
	return repeats.Find(func(line, first int) error {
		return r.reject(line, hub.FieldError{Location: "row", Message: fmt.Sprintf("has the address or id of line %d", first)})
	})
}

// rows reads the file, which also goes through sum.
func (r *importRun) rows(sum io.Writer, do func(*userfile.Row) error) error {
	info, err := os.Stat(r.Path)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is no regular file: it is read several times", r.Path)
	}
	f, err := os.Open(r.Path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // it was only read
	reader, err := userfile.NewReader(r.Format, io.TeeReader(f, sum))
	if err != nil {
		return err
	}
	for {
		row, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := do(&row); err != nil {
			return err
		}
	}
}

// each has do deal with every row that was not rejected, several at a time, and counts what becomes of them.
func (r *importRun) each(ctx context.Context, do func(context.Context, *userfile.Row, users.ImportRules) (users.ImportOutcome, error)) error {
	group, ctx := errgroup.WithContext(ctx)
	queue := make(chan *userfile.Row, importers)
	done := 0
	for range importers {
		group.Go(func() error {
			for row := range queue {
				outcome, err := do(ctx, row, r.Rules)
				if err := r.settle(row, outcome, err); err != nil {
					return err
				}
			}
			return nil
		})
	}
	group.Go(func() error {
		defer close(queue)
		return r.rows(io.Discard, func(row *userfile.Row) error {
			done++
			if r.wasRejected(row.Line) {
				return nil
			}
			r.tell(done)
			select {
			case queue <- row:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
	})
	return group.Wait()
}

func (r *importRun) wasRejected(line int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.rejected[line]
}

func (r *importRun) tell(done int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Progress(done, r.made.Rows)
}

// settle counts a row. What is wrong with the row itself is told; any other error ends the run.
func (r *importRun) settle(row *userfile.Row, outcome users.ImportOutcome, err error) error {
	var e *hub.Error
	if errors.As(err, &e) && (e.Kind == hub.KindInvalid || e.Kind == hub.KindConflict) {
		wrong := e.Fields
		if len(wrong) == 0 {
			wrong = []hub.FieldError{{Location: "row", Message: e.Message}}
		}
		return r.reject(row.Line, wrong...)
	}
	if err != nil {
		return fmt.Errorf("line %d: %w", row.Line, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.made.count(outcome)
	return nil
}

func (r *importRun) reject(line int, wrong ...hub.FieldError) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.rejected[line] {
		r.rejected[line] = true
		r.made.Rejected++
	}
	if r.made.Rejected > maxRejected {
		return fmt.Errorf("more than %d rows are wrong", maxRejected)
	}
	return r.Rejected(line, wrong)
}
