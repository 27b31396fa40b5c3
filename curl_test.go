package webhook_test

import (
	"bytes"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/webhooktest"
)

// Only the values of parameters whose names are known to be no credentials' are shown.
func TestMessage_CurlMasksParameters(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"token", "access_token", "apiKey", "user[password]", "Token[]", "x%5Btoken%5D", "keys[api_key][]",
		"X-Amz-Credential", "jwt", "to%6ben", "code", "sid", "otp", "pin", "hash", "state", "token[0]", "token%5B0%5D",
		"token%255B0%255D", "id[token]", "to%5Bpin%5D[0]", "[id]token", "[]", "0", "%zz", "%69d%00", "", "é",
	} {
		m := &webhook.Message{ID: "m", Method: "GET", URL: "https://receiver.test/?id=1&" + name + "=hush&to=2"}
		require.Contains(t, m.Curl(), "'https://receiver.test/?id=1&"+name+"=***&to=2'")
		require.Contains(t, m.CurlWithSecrets(), "hush")
		m.URL = "https://receiver.test/?id=1;" + name + "=hush;to=2"
		require.Contains(t, m.Curl(), "'https://receiver.test/?id=1;"+name+"=***;to=2'")
	}
	for query, want := range map[string]string{
		"ID=1&Status=read&to%5B0%5D=91&from[0]=2": "ID=1&Status=read&to%5B0%5D=91&from[0]=2",
		"hush": "***", "id=1&hush": "id=1&***", "a=hush;b": "a=***;***", "id=x;token=hush": "id=x;token=***",
		"token=": "token=", "token=a=hush": "token=***", "&&;": "&&;", "id=a=b?c": "id=a=b?c", "token=?id=1": "token=***",
	} {
		require.Equal(t, "https://receiver.test/?"+want, (&webhook.Message{ID: "m", Method: "GET", URL: "https://receiver.test/?" + query}).Masked().URL)
	}
}

func TestMessage_Masked(t *testing.T) {
	t.Parallel()
	m := message("https://receiver.test/calls?to=919019912345&Api_Key=k%2F1&x")
	m.Header["X-Api-Key"] = []string{"it's secret", ""}
	before := *m
	before.Header = m.Header.Clone()
	shown := m.Masked()
	require.Equal(t, &before, m)
	require.Equal(t, "https://receiver.test/calls?to=919019912345&Api_Key=***&***", shown.URL)
	require.Equal(t, []string{"***", ""}, shown.Header["X-Api-Key"])
	require.Equal(t, m.Header["Content-Type"], shown.Header["Content-Type"])
	require.Equal(t, m.Body, shown.Body)
	require.Equal(t, m.Curl(), shown.CurlWithSecrets())
	require.Equal(t, "https://***@receiver.test/", message("https://ann:hush@receiver.test/").Masked().URL)
	require.Nil(t, (*webhook.Message)(nil).Masked())
}

func TestMessage_Curl(t *testing.T) {
	t.Parallel()
	m := message("https://receiver.test/calls?to=919019912345&Api_Key=k%2F1&x")
	m.Header["x-api-key"] = []string{"it's secret"}
	m.Header["X-Empty"] = []string{""}
	m.Body = []byte("{\"text\": \"it's\\n\"}\n")
	const want = `curl -q -g --path-as-is -X POST 'https://receiver.test/calls?to=919019912345&Api_Key=***&***' \
  -H 'Content-Type: application/json' \
  -H 'User-Agent: Ringhook' \
  -H 'Webhook-Id: msg_1' \
  -H 'X-Api-Key: ***' \
  -H 'X-Empty;' \
  --data-binary '{"text": "it'\''s\n"}
'`
	require.Equal(t, want, m.Curl())
	full := strings.NewReplacer("Api_Key=***&***", "Api_Key=k%2F1&x", "X-Api-Key: ***", `X-Api-Key: it'\''s secret`).Replace(want)
	require.Equal(t, full, m.CurlWithSecrets())

	m = message("http://receiver.test")
	m.Method, m.Header, m.Body = http.MethodGet, nil, nil
	require.Equal(t, `curl -q -g --path-as-is -X GET 'http://receiver.test/' \
  -H 'User-Agent: Ringhook' \
  -H 'Webhook-Id: msg_1'`, m.Curl())

	m.Method, m.Body = http.MethodPost, []byte("@50%\x00\n")
	require.Equal(t, `printf '@50%%\000
' | curl -q -g --path-as-is -X POST 'http://receiver.test/' \
  -H 'Content-Type:' \
  -H 'User-Agent: Ringhook' \
  -H 'Webhook-Id: msg_1' \
  --data-binary '@-'`, m.Curl())
}

// A message that Try refuses is shown, but its command sends nothing.
func TestMessage_Curl_Refused(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		message *webhook.Message
		want    []string
	}{
		{"no message", nil, []string{
			":", "webhook: invalid message: no message", "curl", "-q", "-g", "--path-as-is", "-X", "", "",
			"-H", "User-Agent: Ringhook", "-H", "Webhook-Id;",
		}},
		{"empty", &webhook.Message{}, []string{
			":", "webhook: invalid message: message id of 0 bytes, want 1 to 64", "curl", "-q", "-g",
			"--path-as-is", "-X", "", "", "-H", "User-Agent: Ringhook", "-H", "Webhook-Id;",
		}},
		{"hostile", &webhook.Message{
			ID: "';touch x;'", Method: "-o\x00", URL: "ftp://user:p?ss@receiver.test/$(touch x)?token=t",
			Header: http.Header{"@/etc/passwd\n": {"`touch x`\r\nX: y"}}, Body: []byte("@/etc/passwd\x00"),
		}, []string{
			":",
			"webhook: invalid message: message id has a character other than letters, digits, _ and - at offset 0",
			"curl", "-q", "-g", "--path-as-is", "-X", "-o\x00",
			"ftp://***@receiver.test/$(touch x)?token=***", "-H", "@/etc/passwd\n: ***",
			"-H", "Content-Type:", "-H", "User-Agent: Ringhook", "-H", "Webhook-Id: ';touch x;'",
			"--data-binary", "@/etc/passwd\x00",
		}},
		{"user without a scheme", &webhook.Message{ID: "a", Method: "GET", URL: "user:pass@receiver.test"}, []string{
			":",
			"webhook: invalid message: URL must start with http:// or https://", "curl", "-q", "-g",
			"--path-as-is", "-X", "GET", "***@receiver.test", "-H", "User-Agent: Ringhook",
			"-H", "Webhook-Id: a",
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, input := parseShell(t, tt.message.Curl())
			require.Equal(t, tt.want, got)
			require.Nil(t, input)
			args, _ := runShell(t, tt.message.CurlWithSecrets())
			require.Nil(t, args, "curl does not run")
		})
	}
}

// hostileValues returns texts that would do harm or get lost with bad quoting.
func hostileValues() []string {
	return []string{
		"", " ", "x", "'", "''", `"`, `\`, `\'`, `\\`, "`touch x`", "$(touch x)", "${HOME}", "$'x'", "!!",
		"!x", "~", "*", "{a,b}", "[1-3]", "a b", "a\tb", "-o", "--", "-", "@/etc/passwd", "@-", "#x", ";",
		"|", "&", "%", "%s%n", "%%", `\0`, `\n`, `\c`, `\047`, "é", "Łódź", "😀👩‍👩‍👧", "हिन्दी",
		"\u0081\u0085", "\ufffd", "\u202e", "\xff", "\x80\x81\x82\x88", "\xf0\x9f", "***", "'; touch x; '",
		"x'\\''y", "EOF",
	}
}

// hostileBodies returns hostileValues, and texts with control characters.
func hostileBodies() []string {
	bodies := append(hostileValues(), "\n", "\n\n", "a\n", "\r\n", "\x00", "a\x00b\x00", "\x007", "\x1b[2J", "-n", "-\x00", "a\\\n", "'\n'", "\x7f",
		strings.Repeat("'", 40<<10), strings.Repeat("é", 50<<10), strings.Repeat("a", 32<<10)+"-x")
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	return append(bodies, string(all), strings.Repeat(string(all), 400))
}

func TestMessage_Curl_Shell(t *testing.T) {
	t.Parallel()
	m := message("http://receiver.test/a'b?q=$(touch%20x)`touch`{1,2}[3]'é\xff")
	m.Header = http.Header{}
	for i, value := range hostileValues()[1:] { // the empty value has a form of its own
		m.Header["X-"+strconv.Itoa(100+i)] = []string{value, "second"}
		if len(m.Header) == 20 || i == len(hostileValues())-2 {
			checkShell(t, m)
			clear(m.Header)
		}
	}
	for _, body := range hostileBodies() {
		m.Body = []byte(body)
		checkShell(t, m)
	}
}

// checkShell checks that a shell passes the message to curl.
func checkShell(t *testing.T, m *webhook.Message) {
	t.Helper()
	command := m.CurlWithSecrets()
	args, input := runShell(t, command)
	require.Equal(t, wantArgs(m), args)
	if args[len(args)-1] == "@-" {
		require.Equal(t, string(m.Body), string(input))
	} else {
		require.Empty(t, input)
	}
	// The parser of the fuzz target agrees.
	words, parsed := parseShell(t, command)
	require.Equal(t, append([]string{"curl"}, args...), words)
	require.Equal(t, string(input), string(parsed))
}

// wantArgs returns the arguments of curl for a message without Accept, User-Agent and
// Content-Type of its own, and with canonical names.
func wantArgs(m *webhook.Message) []string {
	ruri := strings.Replace(m.URL, "é/", "%C3%A9/", 1)
	args := []string{"-q", "-g", "--path-as-is", "-X", m.Method, ruri}
	lines := []string{"User-Agent: Ringhook", "Webhook-Id: " + m.ID}
	if m.Method != http.MethodGet {
		lines = append(lines, "Content-Type:")
	}
	if len(m.Body) > 1024 {
		lines = append(lines, "Expect:")
	}
	for name, values := range m.Header {
		for _, value := range values {
			line := name + ";"
			if value = strings.Trim(value, " \t"); value != "" {
				line = name + ": " + value
			}
			lines = append(lines, line)
		}
	}
	slices.SortStableFunc(lines, func(a, b string) int {
		return strings.Compare(a[:strings.IndexAny(a, ":;")], b[:strings.IndexAny(b, ":;")])
	})
	for _, line := range lines {
		args = append(args, "-H", line)
	}
	body := string(m.Body)
	if strings.HasPrefix(body, "@") || len(body) > 32<<10 || !showable(body) {
		body = "@-"
	}
	return append(args, "--data-binary", body)
}

// showable reports whether a command's text is as documented.
func showable(s string) bool {
	for _, r := range s {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return false
		}
	}
	return utf8.ValidString(s)
}

// runShell runs a command with a function curl that records its arguments and input. If
// curl is not called, there are no arguments.
func runShell(t *testing.T, command string) (args []string, input []byte) {
	t.Helper()
	require.True(t, showable(command))
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("there is no sh")
	}
	dir := t.TempDir()
	const function = `curl() {
  printf '%s\000' "$@" >args
  for last; do :; done
  case $last in @-) cat >input ;; esac
}
`
	require.NoError(t, os.WriteFile(filepath.Join(dir, "command"), []byte(function+command+"\n"), 0o600))
	cmd := exec.CommandContext(t.Context(), shell, "command")
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	input, _ = os.ReadFile(filepath.Join(dir, "input"))
	written, _ := os.ReadFile(filepath.Join(dir, "args"))
	require.NoFileExists(t, filepath.Join(dir, "x"), "a value was run")
	if len(written) > 0 {
		args = strings.Split(strings.TrimSuffix(string(written), "\x00"), "\x00")
	}
	return args, input
}

// curl sends the same as Try.
func TestMessage_Curl_Run(t *testing.T) {
	t.Parallel()
	curl, err := exec.LookPath("curl")
	if err != nil {
		t.Skip("there is no curl")
	}
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("there is no sh")
	}
	rcv := webhooktest.NewReceiver()
	t.Cleanup(rcv.Close)
	client := rcv.Client()
	check := func(t *testing.T, m *webhook.Message) {
		t.Helper()
		m.URL = rcv.URL + m.URL
		before := len(rcv.Requests())
		require.NoError(t, client.Try(t.Context(), m, 1).Err)
		dir := t.TempDir()
		// A .curlrc that would show in the request.
		require.NoError(t, os.WriteFile(filepath.Join(dir, ".curlrc"), []byte("header = \"X-Curlrc: x\"\n"), 0o600))
		require.NoError(t, os.WriteFile(filepath.Join(dir, "command"), []byte(m.CurlWithSecrets()+"\n"), 0o600))
		cmd := exec.CommandContext(t.Context(), shell, "command")
		cmd.Dir, cmd.Env = dir, []string{
			"PATH=" + filepath.Dir(curl) + ":" + os.Getenv("PATH"), "HOME=" + dir, "NO_PROXY=*",
		}
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", out)
		got := rcv.Requests()[before:]
		require.Len(t, got, 2)
		require.Equal(t, got[0].Method, got[1].Method)
		require.Equal(t, got[0].URL, got[1].URL)
		require.Equal(t, got[0].Header, got[1].Header)
		require.True(t, bytes.Equal(got[0].Body, got[1].Body))
		require.True(t, bytes.Equal(m.Body, got[1].Body))
	}

	for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE"} {
		m := message("")
		m.Method, m.Body, m.Header = method, nil, nil
		check(t, m)
		m = message("/a/../b/./c%2Fd/{1,2}[1-3]é/?q={1,2}[1-3]&é=%20'$(touch%20x)&b=a+b&&c=../d")
		m.Method = method
		m.Header = http.Header{
			"accept": {"a", "b"}, "user-agent": {"mine", "other"}, "X-None": nil, "X-Empty": {"", " "},
			"Authorization": {"Basic dTpw"}, "Cookie": {"a=b"}, "Content-Type": {"a/b", "c/d"},
			"Accept-Encoding": {"gzip"}, "Content-Length-X": {"1"},
		}
		if method == http.MethodGet {
			m.Body = nil
		}
		check(t, m)
		m = message("?")
		m.Method = method
		m.Header = http.Header{"Accept": nil, "User-Agent": {""}, "Content-Type": {""}}
		if method == http.MethodGet {
			m.Body = nil
		}
		check(t, m)
	}
	for _, body := range hostileBodies() {
		m := message("/")
		m.Body = []byte(body)
		check(t, m)
	}
	m := message("/")
	m.Header = http.Header{"Accept": {""}, "User-Agent": nil}
	for i, value := range hostileValues()[:40] {
		m.Header["X-"+strconv.Itoa(i)] = []string{value}
	}
	check(t, m)
}

// FuzzCurl compares the command with the message, with a parser of the shell's quoting.
func FuzzCurl(f *testing.F) {
	for _, s := range hostileBodies() {
		if len(s) < 1<<10 {
			f.Add("POST", "http://receiver.test/?q=x", "X-A", s, []byte(s))
			f.Add(s, s, s, s, []byte(s))
		}
	}
	f.Fuzz(func(t *testing.T, method, address, name, value string, body []byte) {
		const secret = "Secret0Secret"
		m := message(address)
		m.Method, m.Body, m.Header = method, body, http.Header{name: {value}, "Authorization": {secret}}
		require.NotContains(t, m.Curl(), secret)
		require.True(t, showable(m.Curl()))
		command := m.CurlWithSecrets()
		require.True(t, showable(command))
		words, input := parseShell(t, command)
		if a := (&webhook.Client{Transport: answer(200)}).Try(t.Context(), m, 1); a.Class == webhook.ClassInvalid {
			require.Equal(t, ":", words[0])
			require.Equal(t, strings.TrimPrefix(a.Err.Error(), "webhook: "), strings.TrimPrefix(words[1], "webhook: "))
			require.Nil(t, input)
			words = words[2:]
		}
		require.Equal(t, []string{"curl", "-q", "-g", "--path-as-is", "-X", method}, words[:6])
		require.Contains(t, words, "Authorization: "+secret)
		special := []string{"User-Agent", "Authorization", webhook.HeaderID}
		trimmed, key := strings.Trim(value, " \t"), http.CanonicalHeaderKey(name)
		if trimmed != "" && !slices.Contains(special, key) {
			require.Contains(t, words, key+": "+trimmed)
		}
		switch last := words[len(words)-1]; {
		case input != nil:
			require.Equal(t, "@-", last)
			require.Equal(t, body, input)
		case len(body) > 0:
			require.Equal(t, string(body), last)
		}
	})
}

// parseShell reads a command as a POSIX shell does: its words, and what is printed into
// it. It knows only what Curl writes: any other special character is an error.
func parseShell(t testing.TB, command string) (words []string, input []byte) {
	p := shellParser{t: t, rest: command}
	piped := strings.HasPrefix(command, "printf") || strings.HasPrefix(command, "{")
	group := p.take("{ ")
	for piped {
		input = append(input, p.printf()...)
		if group && p.take("\n  ") {
			continue
		}
		if group {
			require.True(t, p.take("; }"))
		}
		require.True(t, p.take(" | "))
		break
	}
	for {
		words = append(words, p.word())
		if p.rest == "" {
			return words, input
		}
		require.True(t, p.take(" \\\n  ") || p.take(" "))
	}
}

type shellParser struct {
	t    testing.TB
	rest string
}

func (p *shellParser) take(s string) (ok bool) {
	p.rest, ok = strings.CutPrefix(p.rest, s)
	return ok
}

// until returns the text before s, and skips s.
func (p *shellParser) until(s string) string {
	before, rest, ok := strings.Cut(p.rest, s)
	require.True(p.t, ok, "no %s", s)
	p.rest = rest
	return before
}

func (p *shellParser) word() string {
	if p.take(`"$(`) {
		s := string(p.printf())
		require.True(p.t, p.take(`)"`))
		return s
	}
	word, quoted := "", false
	for p.rest != "" && !strings.HasPrefix(p.rest, " ") {
		switch {
		case p.take("'"):
			word, quoted = word+p.until("'"), true
		case p.take(`\'`):
			word += "'"
		default:
			require.Regexp(p.t, `^[A-Za-z:-]`, p.rest)
			word, p.rest = word+p.rest[:1], p.rest[1:]
		}
	}
	require.True(p.t, word != "" || quoted)
	return word
}

// printf reads a printf with a format, and returns what it prints.
func (p *shellParser) printf() (printed []byte) {
	require.True(p.t, p.take("printf '"))
	format := p.until("'")
	require.NotRegexp(p.t, `^-`, format)
	for i := 0; i < len(format); i++ {
		switch format[i] {
		case '%':
			i++
			require.Equal(p.t, byte('%'), format[i])
			printed = append(printed, '%')
		case '\\':
			n, err := strconv.ParseUint(format[i+1:i+4], 8, 8)
			require.NoError(p.t, err)
			printed = append(printed, byte(n))
			i += 3
		default:
			printed = append(printed, format[i])
		}
	}
	return printed
}
