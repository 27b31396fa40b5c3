package webhook_test

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/testdata"
)

// receivers are programs that answer with what the parsers of their language read.
var receivers = []struct {
	language string
	command  []string
	readers  []string // of its answers
}{
	{"PHP", []string{"php", "-n", "-d", "display_errors=0", "-S", "127.0.0.1:0", "receiver.php"}, []string{"PHP"}},
	{"Node", []string{"node", "receiver.js"}, []string{"Node", "Express", "busboy"}},
	{"Python", []string{"python3", "receiver.py"}, []string{"Python", "Flask"}},
}

// reading is what a parser read. Those of forms give either a list of fields, in which
// name[a][b] is a name like any other, or a tree, in which it is the b of the a of name.
type reading struct {
	Error  string
	Raw    int    // bytes of the body that the program can see, as it needs them for a signature
	Header string // X-Text
	Fields [][2]string
	Tree   any
}

// pairs returns the fields as texts, in alphabetical order.
func (r reading) pairs() (pairs []string) {
	for _, field := range r.Fields {
		pairs = append(pairs, field[0]+"="+field[1])
	}
	slices.Sort(pairs)
	return pairs
}

// skipReceiver skips a test because a program is missing. Where all of them are
// promised to be there, it fails.
func skipReceiver(t *testing.T, program string) {
	t.Helper()
	if os.Getenv("RINGHOOK_RECEIVERS") != "" {
		require.Fail(t, "missing "+program)
	}
	t.Skip("there is no " + program)
}

// receiverCommand returns a command to run in a folder. Where the program does not even
// tell its version, as what stands for one that could be installed, it is missing.
func receiverCommand(t *testing.T, dir string, command []string) *exec.Cmd {
	t.Helper()
	program, err := exec.LookPath(command[0])
	if err != nil || exec.CommandContext(t.Context(), program, "--version").Run() != nil {
		skipReceiver(t, command[0])
	}
	cmd := exec.CommandContext(t.Context(), program, command[1:]...)
	cmd.Dir = dir
	return cmd
}

var (
	listening   = regexp.MustCompile(`http://127\.0\.0\.1:\d+`)
	connections = regexp.MustCompile(`] 127\.0\.0\.1:\d+ (Accepted|Closing)$`) // PHP prints each of them
)

// startReceiver starts a program that prints its address, in a folder and with
// additional variables of the environment, and returns the address.
func startReceiver(t *testing.T, dir string, command []string, env ...string) (url string) {
	t.Helper()
	cmd := receiverCommand(t, dir, command)
	// Where Debian keeps its packages, which a program from elsewhere does not look into.
	cmd.Env = append(os.Environ(), "NODE_PATH=/usr/share/nodejs", "PYTHONPATH=/usr/lib/python3/dist-packages",
		"PYTHONDONTWRITEBYTECODE=1")
	cmd.Env = append(cmd.Env, env...)
	r, w := io.Pipe()
	cmd.Stdout, cmd.Stderr = w, w
	require.NoError(t, cmd.Start())
	read := make(chan struct{})
	address, output := make(chan string, 1), new(bytes.Buffer)
	go func() {
		defer close(read)
		for lines := bufio.NewScanner(r); lines.Scan(); {
			if !connections.MatchString(lines.Text()) {
				fmt.Fprintln(output, lines.Text())
			}
			if url := listening.FindString(lines.Text()); url != "" && len(address) == 0 {
				address <- url
			}
		}
	}()
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // of a program that is killed
		_ = w.Close()
		close(ended)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-ended
		<-read
		if t.Failed() {
			t.Logf("%s printed:\n%s", command[0], output)
		}
	})
	select {
	case url := <-address:
		return url
	case <-ended:
		require.Fail(t, command[0]+" has ended")
		return ""
	}
}

// goReceiver answers as the programs do, with what net/http reads.
func goReceiver(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	got := reading{Raw: len(body), Header: r.Header.Get("X-Text")}
	switch {
	case strings.HasPrefix(r.Header.Get("Content-Type"), "application/json"):
		d := json.NewDecoder(r.Body)
		d.UseNumber()
		err = cmp.Or(err, d.Decode(&got.Tree))
	case strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/form-data"):
		err = cmp.Or(err, r.ParseMultipartForm(1<<20))
	default:
		err = cmp.Or(err, r.ParseForm())
	}
	for name, values := range r.Form {
		for _, value := range values {
			got.Fields = append(got.Fields, [2]string{name, value})
		}
	}
	if err != nil {
		got.Error = err.Error()
	}
	_ = json.NewEncoder(w).Encode(map[string]reading{"Go": got})
}

// A place is where a body template can go.
var places = []struct {
	name   string
	method string
	format webhook.Format
}{
	{"JSON", http.MethodPost, webhook.FormatJSON},
	{"form-urlencoded", http.MethodPost, webhook.FormatFormURLEncoded},
	{"form-data", http.MethodPost, webhook.FormatFormData},
	{"query", http.MethodGet, webhook.FormatJSON},
}

// Of text in headers that is not ASCII, some make another one.
const headerText = "Zoë"

var latin1Headers = []string{"Node", "Express", "busboy", "Python", "Flask"}

// What is sent of an event is what the parsers of several languages read of it.
func TestReceivers(t *testing.T) {
	t.Parallel()
	for _, r := range receivers {
		t.Run(r.language, func(t *testing.T) {
			t.Parallel()
			url := startReceiver(t, filepath.Join("testdata", "receivers"), r.command)
			seen := checkReceiver(t, url)
			for _, reader := range r.readers {
				if !seen[reader] {
					t.Run(reader, func(t *testing.T) { skipReceiver(t, reader) }) //nolint:paralleltest // it only says so
				}
			}
		})
	}
	t.Run("Go", func(t *testing.T) {
		t.Parallel()
		server := httptest.NewServer(http.HandlerFunc(goReceiver))
		t.Cleanup(server.Close)
		require.Equal(t, map[string]bool{"Go": true}, checkReceiver(t, server.URL))
	})
}

// checkReceiver sends every row of the table in every place, and returns the names of
// the parsers that read it.
func checkReceiver(t *testing.T, url string) (seen map[string]bool) {
	seen = map[string]bool{}
	client := newClient(t, loopback)
	var answer []byte // all of it, which an Attempt does not have
	inner := client.Transport
	client.Transport = roundTripFunc(func(r *http.Request) (*http.Response, error) {
		resp, err := inner.RoundTrip(r)
		if err != nil {
			return nil, err
		}
		defer func() { resp.Body = http.NoBody }()
		defer resp.Body.Close()
		answer, err = io.ReadAll(resp.Body)
		return resp, err
	})
	for _, tt := range slices.Concat(readTests, documentedReadings(t), wholeEvents()) {
		for _, place := range places {
			if tt.only != "" && tt.only != place.name {
				continue
			}
			what := tt.name + " as " + place.name
			w := webhook.Webhook{
				URL: url, Method: place.method, Format: place.format, Body: cmp.Or(tt.body, "{{payload}}"),
				FormLists: tt.lists, Headers: map[string]string{"X-Text": headerText},
			}
			event := webhook.Event(raw(tt.event))
			if tt.whole {
				w.Body, event = "", fixture(t, tt.name)
				if place.name == "query" { // which then has nothing
					continue
				}
			}
			m := compose(t, w, event)
			require.NoError(t, client.Try(t.Context(), m, 1).Err, what)
			var readings map[string]reading
			readJSON(t, string(answer), &readings)
			for reader, got := range readings {
				seen[reader] = true
				tt.check(t, reader, place.name, got, len(m.Body))
			}
		}
	}
	return seen
}

// A readTest is an event, and what parsers read of it. Without exceptions, it is the
// event itself: as JSON its values, and in forms their texts, under the documented names.
type readTest struct {
	name  string
	event string
	body  string // the template; if empty, the whole event
	whole bool   // sends the fixture of that name, without a template
	lists webhook.FormLists
	only  string // the name of a place; if empty, all of them
	// reads has exceptions by the name of the parser, for forms and the query, or with that
	// of a place behind it: a tree as JSON, which stands for fields, too, or a=1&b=2.
	reads map[string]string
	fails map[string]string // parts of errors, by the names of parser and place
}

// wholeEvents returns a row for each fixture.
func wholeEvents() (found []readTest) {
	for _, name := range testdata.Names() {
		found = append(found, readTest{name: name, event: string(testdata.Fixture(name)), whole: true})
	}
	return found
}

// documentedReadings returns the rows of docs/templates.md that tell what receivers read
// of a form.
func documentedReadings(t *testing.T) (found []readTest) {
	t.Helper()
	manual, err := os.ReadFile("docs/templates.md")
	require.NoError(t, err)
	_, table, ok := strings.Cut(strings.ReplaceAll(string(manual), "\r\n", "\n"), "\n| Body of a form | PHP | Express | Others |\n")
	require.True(t, ok)
	table, _, _ = strings.Cut(table, "\n\n")
	for i, line := range strings.Split(table, "\n")[1:] {
		row := cells(line)
		reads := map[string]string{"PHP": code(t, i, row[1]), "Express": code(t, i, row[2])}
		for _, reader := range []string{"Node", "busboy", "Python", "Flask", "Go"} {
			reads[reader] = code(t, i, row[3])
		}
		for _, place := range places[1:] {
			found = append(found, readTest{name: row[0], event: code(t, i, row[0]), only: place.name, reads: reads})
		}
	}
	require.GreaterOrEqual(t, len(found), 9*3)
	return found
}

// check compares what a parser read. The message's body had so many bytes.
func (tt readTest) check(t *testing.T, reader, place string, got reading, size int) {
	t.Helper()
	what := fmt.Sprintf("%s as %s, read by %s", tt.name, place, reader)
	if want, ok := tt.fails[reader+" "+place]; ok {
		require.Contains(t, got.Error, want, what)
		return
	}
	require.Empty(t, got.Error, what)
	if reader == "PHP" && place == "form-data" {
		size = 0 // so that PHP cannot verify its signature
	}
	require.Equal(t, size, got.Raw, what)
	header := headerText
	if slices.Contains(latin1Headers, reader) {
		header = "ZoÃ«"
	}
	require.Equal(t, header, got.Header, what)
	var event any
	readJSON(t, tt.event, &event)
	want := event
	if place != "JSON" {
		want, _ = formTree(event)
		if want == nil {
			want = map[string]any{}
		}
	}
	exception, ok := tt.reads[reader+" "+place]
	if !ok && place != "JSON" {
		exception, ok = tt.reads[reader]
	}
	if ok && !strings.HasPrefix(exception, "{") {
		require.Equal(t, slices.Sorted(strings.SplitSeq(exception, "&")), got.pairs(), what)
		return
	}
	if ok {
		want = nil
		readJSON(t, exception, &want)
	}
	if place == "JSON" || reader == "PHP" || reader == "Express" {
		if reader == "PHP" {
			want = phpArrays(want)
		}
		require.Equal(t, exact(want), exact(got.Tree), what)
		return
	}
	if reader == "Node" && place == "form-data" { // newer versions decode what browsers encode, older ones do not
		for i := range got.Fields {
			got.Fields[i][0] = browserNames.Replace(got.Fields[i][0])
		}
	}
	require.Equal(t, reading{Fields: fieldsOf("", want, tt.lists)}.pairs(), got.pairs(), what)
}

func readJSON(t *testing.T, text string, into any) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	require.NoError(t, d.Decode(into), "%.500s", text)
}

// formTree returns what a form has of a value: texts, in objects and lists. Of an empty
// object or list it has nothing, and the elements beside it keep their numbers.
func formTree(v any) (tree any, ok bool) {
	switch v := v.(type) {
	case map[string]any:
		object := map[string]any{}
		for key, member := range v {
			if member, ok := formTree(member); ok {
				object[cmp.Or(formKeys.Replace(key), "%27%27")] = member
			}
		}
		return object, len(object) > 0
	case []any:
		list, object := []any{}, map[string]any{}
		for i, element := range v {
			if element, ok := formTree(element); ok {
				list = append(list, element)
				object[strconv.Itoa(i)] = element
			}
		}
		if len(list) < len(v) {
			return object, len(object) > 0
		}
		return list, len(list) > 0
	case nil:
		return "", true
	default:
		return fmt.Sprint(v), true
	}
}

// formKeys encodes what would end a name.
var formKeys = strings.NewReplacer("[", "%5B", "]", "%5D", "=", "%3D", "&", "%26", "%", "%25",
	"\x00", "%00", "\r", "%0D", "\n", "%0A", "\t", "%09")

// browserNames encodes in names of form-data what browsers encode there.
var browserNames = strings.NewReplacer(`"`, "%22", "\r", "%0D", "\n", "%0A")

// fieldsOf returns the fields of a form that has a tree of formTree.
func fieldsOf(name string, tree any, lists webhook.FormLists) (fields [][2]string) {
	member := func(key string) string {
		if name == "" {
			return key
		}
		return name + "[" + key + "]"
	}
	switch tree := tree.(type) {
	case map[string]any:
		for key, v := range tree {
			fields = append(fields, fieldsOf(member(key), v, lists)...)
		}
	case []any:
		for i, v := range tree {
			element := member(strconv.Itoa(i))
			if _, ok := v.(string); ok && lists == webhook.FormListsBrackets {
				element = member("")
			} else if ok && lists == webhook.FormListsRepeat {
				element = name
			}
			fields = append(fields, fieldsOf(element, v, lists)...)
		}
	default:
		return [][2]string{{name, tree.(string)}}
	}
	return fields
}

// phpArrays returns a value as PHP has it, where an object is an array like any other:
// one whose keys are 0, 1, 2 and so on is a list, and so is an empty one.
func phpArrays(v any) any {
	switch v := v.(type) {
	case map[string]any:
		list := make([]any, len(v))
		for key, member := range v {
			v[key] = phpArrays(member)
			if i, err := strconv.Atoi(key); err == nil && strconv.Itoa(i) == key && 0 <= i && i < len(list) {
				list[i] = v[key]
			}
		}
		if !slices.Contains(list, nil) {
			return list
		}
	case []any:
		for i, element := range v {
			v[i] = phpArrays(element)
		}
	}
	return v
}

// exact returns a value in which equal numbers are equal, however they were written.
func exact(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for key, member := range v {
			v[key] = exact(member)
		}
	case []any:
		for i, element := range v {
			v[i] = exact(element)
		}
	case json.Number:
		if r, ok := new(big.Rat).SetString(v.String()); ok {
			return "number " + r.RatString()
		}
	}
	return v
}
