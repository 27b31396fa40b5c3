package webhook_test

import (
	"go/ast"
	"go/parser"
	gotoken "go/token"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A stranger reads the README to its end: it is short, and its program prints what it says.
func TestDocs_README(t *testing.T) {
	t.Parallel()
	text := documents(t)["README.md"]
	require.Less(t, strings.Count(text, "\n"), 150)
	source, err := os.ReadFile("example_test.go")
	require.NoError(t, err)
	_, example, _ := strings.Cut(strings.ReplaceAll(string(source), "\r\n", "\n"), "\nfunc Example() {\n")
	example, _, _ = strings.Cut(example, "\n}\n")
	body, output, ok := strings.Cut(example, "\t// Output:\n")
	require.True(t, ok)
	require.Contains(t, text, "\nfunc main() {\n"+body+"}\n```\n")
	require.Contains(t, text, "\n```\n"+strings.ReplaceAll(output, "\t// ", "")+"\n```\n")
	require.LessOrEqual(t, strings.Count(body, "\n"), 22)
}

var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ (.+)$`)
	noSlug  = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

// slug is the anchor that GitHub gives a heading.
func slug(heading string) string {
	return strings.ReplaceAll(strings.ToLower(noSlug.ReplaceAllString(heading, "")), " ", "-")
}

// Links lead somewhere: to files and headings that are there, and to packages and names
// that pkg.go.dev can show.
func TestDocs_Links(t *testing.T) {
	t.Parallel()
	all := documents(t)
	names := map[string]map[string]bool{}
	count := 0
	for file, text := range all {
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			count++
			target, anchor, _ := strings.Cut(m[1], "#")
			if pkg, ok := strings.CutPrefix(target, "https://pkg.go.dev/"+modulePath); ok {
				dir := path.Join(".", pkg)
				if names[dir] == nil {
					names[dir] = exportedNames(t, filepath.FromSlash(dir))
				}
				require.NotEmpty(t, names[dir], "%s: %s", file, m[1])
				require.True(t, anchor == "" || anchor == "pkg-examples" || names[dir][anchor], "%s: %s", file, m[1])
				continue
			}
			if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
				continue
			}
			at := file
			if target != "" {
				at = path.Join(path.Dir(file), target)
			}
			_, err := os.Stat(filepath.FromSlash(at))
			require.NoError(t, err, "%s: %s", file, m[1])
			if anchor == "" {
				continue
			}
			var slugs []string
			for _, h := range heading.FindAllStringSubmatch(all[at], -1) {
				slugs = append(slugs, slug(h[1]))
			}
			require.Contains(t, slugs, anchor, "%s: %s", file, m[1])
		}
	}
	require.GreaterOrEqual(t, count, 60)
}

// exportedNames returns what a package shows, methods and fields as Type.Name.
func exportedNames(t *testing.T, dir string) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	require.NoError(t, err)
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(gotoken.NewFileSet(), file, nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		names[""] = true
		for _, decl := range f.Decls {
			switch d := decl.(type) {
			case *ast.FuncDecl:
				names[receiverOf(d)+d.Name.Name] = d.Name.IsExported()
			case *ast.GenDecl:
				addSpecs(names, d)
			}
		}
	}
	return names
}

// receiverOf returns the type of a method and a full stop, or nothing for a function.
func receiverOf(d *ast.FuncDecl) string {
	if d.Recv == nil {
		return ""
	}
	of := d.Recv.List[0].Type
	if star, ok := of.(*ast.StarExpr); ok {
		of = star.X
	}
	if generic, ok := of.(*ast.IndexExpr); ok {
		of = generic.X
	}
	if name, ok := of.(*ast.Ident); ok {
		return name.Name + "."
	}
	return ""
}

func addSpecs(names map[string]bool, d *ast.GenDecl) {
	for _, spec := range d.Specs {
		switch s := spec.(type) {
		case *ast.ValueSpec:
			for _, name := range s.Names {
				names[name.Name] = name.IsExported()
			}
		case *ast.TypeSpec:
			names[s.Name.Name] = s.Name.IsExported()
			fields, ok := s.Type.(*ast.StructType)
			if !ok {
				continue
			}
			for _, field := range fields.Fields.List {
				for _, name := range field.Names {
					names[s.Name.Name+"."+name.Name] = name.IsExported()
				}
			}
		}
	}
}
