package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the outputs of sessions anew")

// secret is in the variable SECRET, made up for the tests.
const secret = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="

func TestMain(m *testing.M) {
	flag.Parse()
	dir, err := os.Getwd()
	must(err, os.Setenv("SECRET", secret))
	if filepath.Base(dir) != "testdata" { // where the workers of a fuzz test start
		must(os.Chdir("testdata"))
	}
	os.Exit(m.Run())
}

func must(errs ...error) {
	for _, err := range errs {
		if err != nil {
			panic(err)
		}
	}
}

// ringhook runs a command, and returns what it prints and its exit status.
func ringhook(t *testing.T, stdin string, args ...string) (output string, status int) {
	t.Helper()
	var out bytes.Buffer
	status = run(t.Context(), args, strings.NewReader(stdin), &out, &out)
	return out.String(), status
}

// now is what differs from one run to the next.
var now = regexp.MustCompile(`("composed": )"[^"]*"`)

var word = regexp.MustCompile(`'[^']*'|\S+`)

// play runs the commands of a text, which stand behind a $, and returns the text with what
// they print below them, up to an empty line in front of which there is no more output.
func play(t *testing.T, text string) string {
	t.Helper()
	var b strings.Builder
	skipping := false
	for line := range strings.SplitAfterSeq(text, "\n") {
		indent, command, ok := strings.Cut(line, "$ ringhook ")
		isCommand := ok && strings.TrimSpace(indent) == ""
		if skipping = skipping && !isCommand && !strings.HasPrefix(line, "#") && line != "```\n"; skipping {
			continue
		}
		b.WriteString(line)
		if !isCommand || strings.HasPrefix(command, "listen") || strings.HasPrefix(command, "send") {
			continue // the last two have tests of their own, since they need a network
		}
		skipping = true
		var args []string
		for _, arg := range word.FindAllString(command, -1) {
			args = append(args, strings.Trim(arg, "'"))
		}
		out, status := ringhook(t, "", args...)
		out = now.ReplaceAllString(out, `$1"..."`)
		if status != exitFine {
			out += fmt.Sprintf("exit %d\n", status)
		}
		for line := range strings.SplitAfterSeq(strings.TrimSuffix(out, "\n"), "\n") {
			b.WriteString(strings.TrimRight(indent+line, " \n") + "\n")
		}
		if strings.TrimSpace(indent) == "" && indent != "" {
			b.WriteString("\n")
		}
	}
	return b.String()
}

// Sessions are what the commands print, and so are the examples of the help and of the
// manuals.
func TestSessions(t *testing.T) {
	t.Parallel()
	sessions, err := filepath.Glob("*.session")
	require.NoError(t, err)
	require.NotEmpty(t, sessions)
	helps, err := filepath.Glob("../help/*.txt")
	require.NoError(t, err)
	require.Len(t, helps, len(commands)+1)
	docs := []string{"../../../docs/receivers.md", "../../../docs/templates.md"}
	for _, path := range slices.Concat(sessions, helps, docs) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			old, err := os.ReadFile(path)
			require.NoError(t, err)
			want := strings.ReplaceAll(string(old), "\r\n", "\n")
			got := play(t, want)
			if *update {
				require.NoError(t, os.WriteFile(path, []byte(got), 0o600))
			}
			require.Contains(t, got+"$ ringhook ", "$ ringhook ")
			require.Equal(t, want, got)
		})
	}
}

// The help of a command names all of its flags, and no others.
func TestHelp_Flags(t *testing.T) {
	t.Parallel()
	mentioned := regexp.MustCompile(`(?m)^  -(\S+)`)
	for _, c := range commands {
		page, status := ringhook(t, "", "help", c.name)
		require.Equal(t, exitFine, status)
		asked, status := ringhook(t, "", c.name, "-h")
		require.Equal(t, exitFine, status)
		require.Equal(t, page, asked)
		flags := flag.NewFlagSet("", flag.ContinueOnError)
		c.declare(flags)
		declared := []string{"json"}
		flags.VisitAll(func(f *flag.Flag) { declared = append(declared, f.Name) })
		var told []string
		for _, m := range mentioned.FindAllStringSubmatch(page, -1) {
			told = append(told, m[1])
		}
		require.ElementsMatch(t, declared, told, c.name)
		for line := range strings.Lines(page) {
			if !strings.HasPrefix(line, "  $") && !strings.Contains(page[:strings.Index(page, line)], "Examples:") {
				require.LessOrEqual(t, len(line), 96, line)
			}
		}
	}
}

func TestRun_Usage(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"":                                    "ringhook: no command; ringhook help lists them\n",
		"chek":                                "ringhook: no command \"chek\"; ringhook help lists them\n",
		"help chek":                           "ringhook: no help about \"chek\"; ringhook help lists the commands\n",
		"check":                               "ringhook: check: which webhook? Name a file, or - for standard input\n",
		"check no.json":                       "ringhook: check: open no.json: ",
		"check a b":                           "ringhook: check: 2 arguments, at most 1; ringhook help check\n",
		"check -evnt x":                       "ringhook: check: flag provided but not defined: -evnt; ringhook help check\n",
		"check event.json":                    "ringhook: check: event.json is no webhook in JSON: json: unknown field \"event\"\n",
		"check webhook.json -type x":          "ringhook: check: no event of the type \"x\" is known; ringhook vars lists the types\n",
		"check webhook.json -event token.txt": "ringhook: check: token.txt: not JSON at offset 0",
		"render webhook.json":                 "ringhook: render: which event? ",
		"sign body.json":                      "ringhook: sign: secret: it is empty\n",
		"sign body.json -secret env:NO":       "ringhook: sign: secret: the environment has no NO\n",
		"sign body.json -secret file:no.txt":  "ringhook: sign: secret: no.txt: ",
		"sign body.json -secret x -scheme y":  "ringhook: sign: no scheme \"y\": standard, ed25519, platform, github, shopify, stripe, slack\n",
		"sign body.json -secret hunter2 -scheme slack": "ringhook: sign: secret of 7 bytes, want at least 8\n",
		"sign body.json -secret x -at noon":            "ringhook: sign: -at \"noon\": want seconds since 1970, ",
		"verify body.json":                             "ringhook: verify: which secret? ",
		"verify body.json -H x -secret y":              "ringhook: verify: -H: want 'Name: value', or @FILE\n",
		"listen -answer 99":                            "ringhook: listen: -answer \"99\": want a status ",
		"listen -verify=":                              "ringhook: listen: secret: it is empty\n", // of a variable that is not set
		"listen -scheme stripe":                        "ringhook: listen: which secret? Name it with -verify\n",
		"send webhook.json -secret=":                   "ringhook: send: secret: it is empty\n",
		"listen -port 99999":                           "ringhook: listen: listen tcp: ",
		"send webhook.json -scheme github":             "ringhook: send: which secret? Name it with -secret\n",
	}
	for command, want := range tests {
		out, status := ringhook(t, "", strings.Fields(command)...)
		require.Equal(t, exitUsage, status, command)
		require.True(t, strings.HasPrefix(out, want), "%s: %s", command, out)
		require.NotContains(t, out, "hunter2")
	}
}

func TestRun_Stdin(t *testing.T) {
	t.Parallel()
	w, err := os.ReadFile("webhook.json")
	require.NoError(t, err)
	out, status := ringhook(t, string(w), "check", "-", "-type", "whatsapp:message:status")
	require.Equal(t, "-: no problems\n", out)
	require.Equal(t, exitFine, status)
	out, status = ringhook(t, "\ufeff"+string(w), "check", "-") // as PowerShell writes it
	require.Equal(t, "-: no problems\n", out)
	require.Equal(t, exitFine, status)
	out, status = ringhook(t, string(w)+"{}", "check", "-")
	require.Equal(t, "ringhook: check: -: there is more behind the webhook\n", out)
	require.Equal(t, exitUsage, status)
	out, status = ringhook(t, strings.Repeat(" ", maxInput+1), "check", "-")
	require.Equal(t, "ringhook: check: -: more than 4194304 bytes\n", out)
	require.Equal(t, exitUsage, status)
}

func TestEscape(t *testing.T) {
	t.Parallel()
	require.Equal(t, "Zoë 😀\n\ta\r\nb\\u000dc\\u001b[31m\\u009b\\x9b\\u0000\\u007f\\u202e\\u2066\\u2028 \u200d", escape("Zoë 😀\n\ta\r\nb\rc\x1b[31m\u009b\x9b\x00\x7f\u202e\u2066\u2028 \u200d"))
}

// For programs, what is wrong is JSON too; credentials are seen to be sent.
func TestRender_JSON(t *testing.T) {
	t.Parallel()
	args := []string{"render", "-", "-type", "dialer:cdr", "-id", "m", "-json"}
	for hook, want := range map[string]string{
		`{"url":"https://h.test/","when":"1 == 2"}`:     `"outcome": "unwanted"`,
		`{"url":"https://h.test/","body":"{\"a\":{{x"}`: `"outcome": "faulty"`,
		`{"url":"http://h.test/","auth":{"type":"x"}}`:  `"code": "auth-http"`,
	} {
		out, status := ringhook(t, hook, args...)
		require.Equal(t, exitProblems, status, out)
		require.Contains(t, out, want)
		require.True(t, json.Valid([]byte(out)), out)
	}
	hook := `{"url":"https://h.test/","auth":{"type":"bearer","token":"s3cr3t-t0ken"}}`
	out, status := ringhook(t, hook, args[:len(args)-1]...)
	require.Equal(t, exitFine, status, out)
	require.Contains(t, out, "Authorization: ***\n")
	require.NotContains(t, out, "s3cr3t")
}

// Whatever a file has, no control character comes out.
func FuzzRun(f *testing.F) {
	f.Add("{\"url\": \"https://h/\u009b\", \"body\": \"{\\\"\\u001b\\\": {{x}}}\"}", false)
	f.Add(`{"url": "\u001b]0;x\u0007", "headers": {"\u0000": "{{a | b}}"}, "method": "\r"}`, true)
	f.Add("{a|\x1b}", false)
	f.Fuzz(func(t *testing.T, text string, asJSON bool) {
		for _, args := range [][]string{
			{"check", "-"},
			{"render", "-", "-type", "dialer:cdr", "-id", "msg_1"},
			{"render", "-", "-event", "event.json", "-curl", "-id", "msg_1"},
			{"vars", "-event", "-"},
			{"modernize", "-"},
			{"modernize", "-", "-text"},
			{"help", text},
			{text},
			{"verify", "-", "-secret", "12345678", "-H", "Signature: " + strings.ReplaceAll(text, "\n", "")},
		} {
			if asJSON && args[0] != "help" {
				args = append(args, "-json")
			}
			var out bytes.Buffer
			status := run(context.Background(), args, strings.NewReader(text), &out, &out)
			require.Contains(t, []int{exitFine, exitProblems, exitUsage}, status)
			require.Equal(t, escape(out.String()), out.String(), args)
		}
	})
}
