package hub_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/a64core/hub"

// goFile is a source file of ours.
type goFile struct {
	path    string // from the top folder, with slashes
	pkg     string // its folder, "." for the top
	isTest  bool
	lines   int
	syntax  *ast.File
	imports []string
}

// sources parses every Go file of the module.
func sources(t *testing.T) []goFile {
	t.Helper()
	var files []goFile
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (strings.HasPrefix(d.Name(), ".") && name != "." || d.Name() == "tools" || d.Name() == "testdata") {
			return filepath.SkipDir
		}
		if d.IsDir() || filepath.Ext(name) != ".go" {
			return nil
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		syntax, err := parser.ParseFile(token.NewFileSet(), name, text, parser.ParseComments)
		if err != nil {
			return err
		}
		f := goFile{
			path: filepath.ToSlash(name), pkg: path.Dir(filepath.ToSlash(name)), isTest: strings.HasSuffix(name, "_test.go"),
			lines: strings.Count(string(text), "\n"), syntax: syntax,
		}
		for _, spec := range syntax.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			f.imports = append(f.imports, imported)
		}
		files = append(files, f)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 50 {
		t.Fatalf("only %d files found", len(files))
	}
	return files
}

// within reports whether the package is in one of the folders.
func within(pkg string, folders ...string) bool {
	for _, folder := range folders {
		if pkg == folder || strings.HasPrefix(pkg, folder+"/") {
			return true
		}
	}
	return false
}

// rules are the four sentences on direction in docs/architecture.md. Tests may look around more freely.
var rules = []struct {
	sentence string
	forbids  func(pkg, imported string) bool // imported without the module's name, if it is ours
}{
	{"the root package imports the standard library only", func(pkg, imported string) bool {
		return pkg == "." && (within(imported, "internal", "cmd") || strings.Contains(strings.Split(imported, "/")[0], "."))
	}},
	{"services import no store, no api and no net/http", func(pkg, imported string) bool {
		return within(pkg, "internal/auth", "internal/users") &&
			(within(imported, "internal/store", "internal/api", "internal/middleware", "internal/app") || within(imported, "net/http"))
	}},
	{"api and middleware import no store, stores import no service, archive imports none of them; they meet in app", func(pkg, imported string) bool {
		switch {
		case within(pkg, "internal/api", "internal/middleware"):
			return within(imported, "internal/store", "internal/app")
		case within(pkg, "internal/store"):
			return within(imported, "internal") && !within(imported, "internal/store")
		case within(pkg, "internal/archive"):
			return within(imported, "internal")
		}
		return within(imported, "internal/app") && !within(pkg, "cmd", "internal/hubtest")
	}},
	{"database drivers appear only under internal/store, Redis's only in internal/ratelimit/redislimit, the OpenAPI framework only in internal/api, Prometheus and OpenTelemetry only in internal/telemetry, age and zstd only in internal/archive", func(pkg, imported string) bool {
		driver := within(imported, "database/sql", "modernc.org/sqlite", "github.com/go-sql-driver", "go.mongodb.org")
		redis := within(imported, "github.com/redis")
		framework := within(imported, "github.com/danielgtaylor/huma")
		observer := within(imported, "github.com/prometheus", "go.opentelemetry.io")
		archives := within(imported, "filippo.io/age", "github.com/klauspost/compress")
		return archives && !within(pkg, "internal/archive") || observer && !within(pkg, "internal/telemetry") || driver && !within(pkg, "internal/store") || redis && !within(pkg, "internal/ratelimit/redislimit") ||
			framework && !within(pkg, "internal/api")
	}},
}

func TestDependenciesPointInward(t *testing.T) {
	t.Parallel()
	for _, f := range sources(t) {
		if f.isTest {
			continue
		}
		for _, imported := range f.imports {
			imported = strings.TrimPrefix(strings.TrimPrefix(imported, module), "/")
			for _, rule := range rules {
				if rule.forbids(f.pkg, imported) {
					t.Errorf("%s imports %s, but %s", f.path, imported, rule.sentence)
				}
			}
		}
	}
}

func TestRulesForbidWhatTheySay(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		pkg, imported string
		rule          int
	}{
		{".", "internal/token", 0},
		{".", "github.com/google/uuid", 0},
		{"internal/auth", "internal/store/sqlstore", 1},
		{"internal/users", "net/http", 1},
		{"internal/api", "internal/store/livecache", 2},
		{"internal/store/sqlstore", "internal/auth", 2},
		{"internal/mail", "internal/app", 2},
		{"internal/archive", "internal/store/sqlstore", 2},
		{"internal/app", "filippo.io/age", 3},
		{"internal/auth", "database/sql", 3},
		{"internal/ratelimit", "github.com/redis/go-redis/v9", 3},
		{"internal/app", "github.com/danielgtaylor/huma/v2", 3},
		{"internal/app", "github.com/prometheus/client_golang/prometheus", 3},
		{"internal/middleware", "go.opentelemetry.io/otel/trace", 3},
	} {
		if !rules[tt.rule].forbids(tt.pkg, tt.imported) {
			t.Errorf("%s may import %s, although %s", tt.pkg, tt.imported, rules[tt.rule].sentence)
		}
	}
}

func TestOnlyConfigReadsTheEnvironment(t *testing.T) {
	t.Parallel()
	allowed := map[string]bool{"cmd/a64core/main.go": true} // hands os.LookupEnv on, as a value
	for _, f := range sources(t) {
		if f.isTest || allowed[f.path] || within(f.pkg, "internal/config", "internal/bench", "internal/store/testdb") {
			continue
		}
		ast.Inspect(f.syntax, func(n ast.Node) bool {
			if name := selected(n, "os"); name == "Getenv" || name == "LookupEnv" || name == "Environ" || name == "ExpandEnv" {
				t.Errorf("%s uses os.%s", f.path, name)
			}
			return true
		})
	}
}

func TestNothingSleepsOrInitializesItself(t *testing.T) {
	t.Parallel()
	for _, f := range sources(t) {
		ast.Inspect(f.syntax, func(n ast.Node) bool {
			if selected(n, "time") == "Sleep" {
				t.Errorf("%s sleeps: step a clock, or wait for what is meant", f.path)
			}
			if fn, ok := n.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
				t.Errorf("%s has an init function", f.path)
			}
			return true
		})
	}
}

// selected returns the name in pkg.Name, if that is what n is.
func selected(n ast.Node, pkg string) string {
	s, ok := n.(*ast.SelectorExpr)
	if !ok {
		return ""
	}
	if x, ok := s.X.(*ast.Ident); ok && x.Name == pkg {
		return s.Sel.Name
	}
	return ""
}

func TestEveryPackageSaysWhatItIs(t *testing.T) {
	t.Parallel()
	documented := make(map[string]bool)
	packages := make(map[string]bool)
	for _, f := range sources(t) {
		if f.isTest {
			continue
		}
		packages[f.pkg] = true
		if f.syntax.Doc != nil && (path.Base(f.path) == "doc.go" || within(f.pkg, "cmd")) {
			documented[f.pkg] = true
		}
	}
	for pkg := range packages {
		if !documented[pkg] {
			t.Errorf("%s has no doc.go with a package comment", pkg)
		}
	}
}

func TestFilesStayReadable(t *testing.T) {
	t.Parallel()
	for _, f := range sources(t) {
		if f.lines > 500 {
			t.Errorf("%s has %d lines: one thing each?", f.path, f.lines)
		}
	}
}
