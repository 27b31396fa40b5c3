package webhook_test

import (
	"context"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// documents returns the texts of all documents for people, by their paths.
func documents(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	require.NoError(t, filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "testdata" || d.Name() == "node_modules" || len(d.Name()) > 1 && d.Name()[0] == '.'):
			return filepath.SkipDir
		case filepath.Ext(path) != ".md" || path == "CHANGELOG.md": // which tells what was
			return nil
		}
		b, err := os.ReadFile(path)
		found[filepath.ToSlash(path)] = strings.ReplaceAll(string(b), "\r\n", "\n")
		return err
	}))
	require.Contains(t, found, "README.md")
	require.Contains(t, found, "docs/operations.md")
	return found
}

var (
	shellBlock = regexp.MustCompile("(?s)\n```sh\n(.*?)```\n")
	inline     = regexp.MustCompile("`((?:go (?:run|install|doc|get|test)|cd|ringhook|sqlite3|bash|\\.ci/[a-z]+)(?: [^`]*)?)`")
	comment    = regexp.MustCompile(`\s+#.*`)
	assignment = regexp.MustCompile(`^[A-Z_]+=\S*$`)
)

// A documentedCommand is a command as a document tells it, and the folder to enter before.
type documentedCommand struct {
	where, dir string
	args       []string
}

func (c documentedCommand) String() string { return strings.Join(c.args, " ") }

// documentedCommands returns the commands of a document, of its blocks and in its text.
func documentedCommands(path, text string) (found []documentedCommand) {
	add := func(line string) {
		dir := "."
		for part := range strings.SplitSeq(comment.ReplaceAllString(line, ""), " && ") {
			args := strings.Fields(part)
			for len(args) > 0 && (args[0] == "export" || assignment.MatchString(args[0])) {
				args = args[1:]
			}
			switch {
			case len(args) == 0:
			case args[0] == "cd":
				dir = args[1]
			default:
				found = append(found, documentedCommand{path, dir, args})
			}
		}
	}
	for _, block := range shellBlock.FindAllStringSubmatch(text, -1) {
		for line := range strings.Lines(block[1]) {
			add(line)
		}
	}
	for _, code := range inline.FindAllStringSubmatch(strings.ReplaceAll(text, "\n", " "), -1) {
		add(code[1])
	}
	return found
}

// elsewhere says what else runs a command: a text in a file.
var elsewhere = map[string][2]string{
	"go test ./...": {".ci/run", "run go test ./..."},
	"go test -race -shuffle=on ./... ./testdata":                           {".ci/run", "go test -vet=off -race -shuffle=on"},
	"go test -list '^Fuzz' ./...":                                          {".ci/run", "s/^func (Fuzz"},
	"go test -run Browser ./...":                                           {"panel/browser_test.go", "RINGHOOK_SCREENSHOTS"},
	"go vet ./... ./testdata":                                              {".ci/run", "packages+=(./testdata)"},
	"go mod tidy -diff":                                                    {".ci/run", "go mod tidy -diff"},
	"go tool -modfile=.ci/tools/go.mod golangci-lint fmt":                  {".ci/tools/go.mod", "golangci-lint"},
	"go tool -modfile=.ci/tools/go.mod golangci-lint run ./... ./testdata": {".ci/run", "golangci-lint run"},
	"bash .ci/run":                                                         {".ci/run", "All checks of the repository"},
	".ci/run":                                                              {".ci/run", "All checks of the repository"},
	".ci/vulnerabilities":                                                  {".ci/run", ".ci/vulnerabilities"},
	".ci/consumer":                                                         {".ci/run", ".ci/consumer"},
	".ci/postgres":                                                         {".ci/run", ".ci/postgres"},
	".ci/postgres stop FOLDER":                                             {".ci/run", `/.ci/postgres" stop`},
	".ci/release v0.2.0":                                                   {".ci/consumer", ".ci/release"},
	".ci/release VERSION":                                                  {".ci/consumer", ".ci/release"},
}

// Every command of every document is run: here, or by what is named here.
func TestDocs_Commands(t *testing.T) {
	t.Parallel()
	seen := map[string]int{}
	ringhook := buildRinghook(t)
	for path, text := range documents(t) {
		for _, c := range documentedCommands(path, text) {
			name := c.String()
			kind := strings.Join(c.args[:min(2, len(c.args))], " ")
			seen[kind]++
			if by, ok := elsewhere[name]; ok {
				b, err := os.ReadFile(by[0])
				require.NoError(t, err, "%s: %s", path, name)
				require.Contains(t, string(b), by[1], "%s: %s", path, name)
				continue
			}
			switch kind {
			case "go run":
				checkGoRun(t, c)
			case "go get", "go install":
				// Needs what was tagged. .ci/consumer gets the modules as users do.
				if len(c.args) > 2 {
					checkPackage(t, c, strings.TrimSuffix(c.args[2], "@latest"), kind == "go install")
				}
			case "go doc":
				if strings.HasPrefix(c.args[2], modulePath) { // in a module that has it
					c.dir = checkPackage(t, c, c.args[2], false)
				}
				runDocumented(t, c, "go", c.args[1:]...)
			default:
				if c.args[0] == "ringhook" {
					checkRinghook(t, c, ringhook)
					continue
				}
				require.Equal(t, "sqlite3", c.args[0], "%s: nothing runs %s", path, name) // TestBackup of durable/sqlite runs it
			}
		}
	}
	for kind, least := range map[string]int{"go run": 6, "go get": 1, "go install": 2, "go test": 3, "go doc": 1} {
		require.GreaterOrEqual(t, seen[kind], least, kind)
	}
}

const modulePath = "github.com/ringhook/webhook"

// checkPackage checks that the folder of a package is there.
func checkPackage(t *testing.T, c documentedCommand, path string, program bool) string {
	t.Helper()
	dir, ok := strings.CutPrefix(path, modulePath)
	require.True(t, ok, "%s: %s", c.where, c)
	dir = filepath.Join(".", filepath.FromSlash(dir))
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	require.NoError(t, err)
	require.NotEmpty(t, files, "%s: %s", c.where, c)
	if program {
		_, err := os.Stat(filepath.Join(dir, "main.go"))
		require.NoError(t, err, "%s: %s", c.where, c)
	}
	return dir
}

// checkGoRun runs the quickstart. Of other programs it checks that they have a test, which
// runs them, and the flags that are named.
func checkGoRun(t *testing.T, c documentedCommand) {
	t.Helper()
	if c.String() == "go run ./examples/quickstart" && c.dir == "." {
		out := runDocumented(t, c, "go", "run", "./examples/quickstart")
		require.Contains(t, out, "attempt 2: status 200: delivered")
		return
	}
	program := c.args[2]
	if program == "./examples/NAME" {
		return // what NAME may be are links beside it
	}
	dir := filepath.Join(c.dir, filepath.FromSlash(program))
	if strings.HasPrefix(program, modulePath) {
		dir = checkPackage(t, c, program, true)
	}
	sources, err := filepath.Glob(filepath.Join(dir, "*.go"))
	require.NoError(t, err)
	require.Contains(t, sources, filepath.Join(dir, "main.go"), "%s: %s", c.where, c)
	require.True(t, slices.ContainsFunc(sources, func(s string) bool { return strings.HasSuffix(s, "_test.go") }), "%s: %s", c.where, c)
	for _, arg := range c.args[3:] {
		name, isFlag := strings.CutPrefix(arg, "-")
		if !isFlag {
			continue
		}
		require.True(t, slices.ContainsFunc(sources, func(s string) bool {
			b, err := os.ReadFile(s)
			require.NoError(t, err)
			return strings.Contains(string(b), `"`+name+`", `)
		}), "%s: %s has no flag %s", c.where, c, arg)
	}
}

// checkRinghook shows the help of a command, and looks for the flags that are named. What
// the command does is tested beside it.
func checkRinghook(t *testing.T, c documentedCommand, program string) {
	t.Helper()
	args := c.args[1:]
	if len(args) == 0 {
		return
	}
	if args[0] != "help" {
		args = []string{"help", args[0]}
	}
	page := runDocumented(t, c, program, args...)
	for _, arg := range c.args[1:] {
		if strings.HasPrefix(arg, "-") {
			require.Contains(t, page, "\n  "+arg+" ", "%s: %s", c.where, c)
		}
	}
}

func buildRinghook(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "ringhook.exe") // a name that runs anywhere
	runDocumented(t, documentedCommand{dir: "."}, "go", "build", "-o", program, "./cmd/ringhook")
	return program
}

func runDocumented(t *testing.T, c documentedCommand, name string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	command := exec.CommandContext(ctx, name, args...)
	command.Dir = c.dir
	out, err := command.CombinedOutput()
	require.NoError(t, err, "%s: %s\n%s", c.where, c, out)
	return string(out)
}
