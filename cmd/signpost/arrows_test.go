package main

import (
	"bytes"
	"go/build"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// module walks the Go files of the module: folder of the file relative to the
// root, file name, parsed file.
func module(t *testing.T, mode parser.Mode, visit func(folder, path string, test bool, imports []string, doc string)) {
	t.Helper()
	root := filepath.Join("..", "..")
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() && path != root && (strings.HasPrefix(name, ".") && name != ".." || name == "data" ||
			name == "testdata" || name == "node_modules") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, mode)
		if err != nil {
			return err
		}
		var imports []string
		for _, i := range f.Imports {
			p, _ := strconv.Unquote(i.Path.Value)
			imports = append(imports, p)
		}
		folder, _ := filepath.Rel(root, filepath.Dir(path))
		visit(filepath.ToSlash(folder), path, strings.HasSuffix(name, "_test.go"), imports, f.Doc.Text())
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// top is the room a folder belongs to: intake, mail, sla, store, cmd.
func top(folder string) string {
	room, _, _ := strings.Cut(folder, "/")
	return room
}

// rooms are the parts of cmd/signpost. All of them may read the configuration and use the
// control socket, which see none of them, and none sees another: package main plugs them
// together.
const rooms = "cmd/signpost/"

// allowed says which arrows may be drawn. Everything points at store; siblings
// never see one another; store itself rests on the standard library alone.
func allowed(from, to string) bool {
	switch {
	case strings.HasPrefix(from, rooms) && strings.HasPrefix(to, rooms):
		return to == rooms+"config" || to == rooms+"control"
	case top(from) == "cmd":
		return true
	case from == "intake/post" && top(to) == "intake": // it serves every door and knows none
		return to == from || to == "intake/web" || to == "intake/guard"
	case from == "store":
		return false
	case top(from) == top(to):
		return true
	default:
		return top(to) == "store" && !within(to, []string{"store/verbs", "store/engine", "store/datafile"})
	}
}

// forTests says which more arrows a test may draw: to what stands for a fake or helps
// tests and, from the stories of the whole program, to any of its rooms.
func forTests(from, to string) bool {
	return top(to) == "store" || to == rooms+"config/configtest" || from == rooms+"e2e" && top(to) == "cmd"
}

func TestImportArrows(t *testing.T) {
	t.Parallel()
	module(t, parser.ImportsOnly, func(folder, path string, test bool, imports []string, _ string) {
		for _, imported := range imports {
			to, ours := strings.CutPrefix(imported, "signpost/")
			if ours && !allowed(folder, to) && !(test && forTests(folder, to)) {
				t.Errorf("%s imports %s: that arrow is not in the house's plan; plug it in cmd/signpost instead", path, imported)
			}
			if folder == "store/verbs" && strings.HasSuffix(path, "rules.go") && within(to, []string{"store/engine"}) {
				t.Errorf("%s imports %s: a rule knows no row", path, imported)
			}
			if folder == "store" && !test && strings.Contains(strings.SplitN(imported, "/", 2)[0], ".") {
				t.Errorf("%s imports %s: store rests on the standard library alone", path, imported)
			}
		}
	})
}

// TestDriversStayInTheirRoom keeps each outside library behind the one room
// that knows it.
func TestDriversStayInTheirRoom(t *testing.T) {
	t.Parallel()
	homesOf := map[string][]string{
		"github.com/labstack/echo":    {"intake/web"},
		"go.etcd.io/bbolt":            {"store/engine/bolt"},
		"github.com/tidwall/btree":    {"store/engine/memory", "store/engine/bolt"},
		"github.com/jackc/pgx":        {"store/engine/postgres"},
		"github.com/emersion/go-smtp": {"mail"},
		"github.com/emersion/go-imap": {"mail"},
	}
	module(t, parser.ImportsOnly, func(folder, path string, test bool, imports []string, _ string) {
		for _, imported := range imports {
			for library, homes := range homesOf {
				if !test && strings.HasPrefix(imported, library) && !within(folder, homes) {
					t.Errorf("%s imports %s, which only %v may", path, imported, homes)
				}
			}
		}
	})
}

// maxMain bounds package main, tests and what other builds add not counted: what grows
// beyond it is a room that has no folder yet.
const maxMain = 3000

func TestPackageMainStaysThin(t *testing.T) {
	t.Parallel()
	pkg, err := build.ImportDir(".", 0)
	if err != nil {
		t.Fatal(err)
	}
	lines := 0
	for _, name := range pkg.GoFiles {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		lines += bytes.Count(text, []byte("\n"))
	}
	if lines > maxMain || lines < 500 {
		t.Errorf("package main has %d lines, want 500 to %d; beyond, move a part of it into a folder of its own",
			lines, maxMain)
	}
}

func within(folder string, homes []string) bool {
	for _, home := range homes {
		if folder == home || strings.HasPrefix(folder, home+"/") {
			return true
		}
	}
	return false
}

func TestEveryPackageHasADoc(t *testing.T) {
	t.Parallel()
	docs := map[string]bool{}
	module(t, parser.ParseComments|parser.PackageClauseOnly, func(folder, _ string, test bool, _ []string, doc string) {
		if !test {
			docs[folder] = docs[folder] || doc != ""
		}
	})
	if len(docs) < 5 {
		t.Fatalf("only %d packages found: the walk is broken", len(docs))
	}
	for folder, has := range docs {
		if !has {
			t.Errorf("package %s has no package comment", folder)
		}
	}
}
