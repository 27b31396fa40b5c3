package webhook_test

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
)

// receivers are programs that answer with what the parsers of their language read.
var receivers = []struct {
	language string
	command  []string
	readers  []string // of its answers
}{
	{"PHP", []string{"php", "-n", "-d", "display_errors=0", "-d", "extension=simplexml", "-S", "127.0.0.1:0", "receiver.php"}, []string{"PHP", "SimpleXML"}},
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
	switch contentType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); contentType {
	case "application/json":
		d := json.NewDecoder(r.Body)
		d.UseNumber()
		err = cmp.Or(err, d.Decode(&got.Tree))
	case "multipart/form-data":
		err = cmp.Or(err, r.ParseMultipartForm(1<<20))
	case "text/plain":
		got.Tree = string(body)
	case "text/csv":
		got.Tree, err = csv.NewReader(r.Body).ReadAll()
	case "application/xml":
		var element xmlElement
		err = xml.Unmarshal(body, &element)
		got.Tree = element.tree()
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

// An xmlElement is what encoding/xml reads of any XML.
type xmlElement struct {
	XMLName    xml.Name
	Attributes []xml.Attr   `xml:",any,attr"`
	Text       string       `xml:",chardata"`
	Elements   []xmlElement `xml:",any"`
}

// tree returns the element's name, its attributes, its text or, if it has any, the
// elements in it.
func (x xmlElement) tree() []any {
	attributes := map[string]string{}
	for _, a := range x.Attributes {
		attributes[a.Name.Local] = a.Value
	}
	if len(x.Elements) == 0 {
		return []any{x.XMLName.Local, attributes, x.Text}
	}
	elements := []any{}
	for _, e := range x.Elements {
		elements = append(elements, e.tree())
	}
	return []any{x.XMLName.Local, attributes, elements}
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

// sendTo returns a function that sends a message to a receiver and returns what its
// parsers read, by their names.
func sendTo(t *testing.T) func(m *webhook.Message) map[string]reading {
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
	return func(m *webhook.Message) (readings map[string]reading) {
		m.Policy.Timeout = time.Minute // a busy machine must not change the result
		require.NoError(t, client.Try(t.Context(), m, 1).Err)
		readJSON(t, string(answer), &readings)
		return readings
	}
}

// checkReceiver sends every row of the tables in every place, and returns the names of
// the parsers that read it.
func checkReceiver(t *testing.T, url string) (seen map[string]bool) {
	seen = map[string]bool{}
	send := sendTo(t)
	for _, tt := range slices.Concat(readTests, documentedReadings(t), wholeEvents()) {
		for _, place := range places {
			if tt.only != "" && tt.only != place.name {
				continue
			}
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
			for reader, got := range send(m) {
				seen[reader] = true
				tt.check(t, reader, place.name, got, len(m.Body))
			}
		}
	}
	for _, tt := range textTests {
		m := compose(t, webhook.Webhook{
			URL: url, Format: tt.format, Body: tt.body, Headers: map[string]string{"Content-Type": tt.contentType},
		}, raw(tt.event))
		for reader, got := range send(m) {
			seen[reader] = true
			require.Empty(t, got.Error, "%s, read by %s", tt.name, reader)
			var want any
			readJSON(t, tt.want, &want)
			require.Equal(t, want, got.Tree, "%s, read by %s", tt.name, reader)
		}
	}
	return seen
}
