package webhook_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math/big"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/testdata"
)

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
