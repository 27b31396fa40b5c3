package field_test

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook/internal/field"
	"github.com/ringhook/webhook/internal/rawjson"
)

const document = `{"id":"abc","n":1.50,"yes":true,"nothing":null,"empty":"","text":"a\"\u00e9\u003c",
	"user":{ "name" : "Ann" , "tags":[ "x" , {"k":1},{"j":null} ] },"none":[],"lists":[[1,2],[ ]],"a":1,"a":2,"0":"zero","no":{}}`

func TestValue(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, raw, text, json string
		kind                  rawjson.Kind
		empty, composite      bool
		typeName              string
	}{
		{"nothing", ``, "", "null", rawjson.None, true, false, "any"},
		{"null", `null`, "", "null", rawjson.Null, true, false, "any"},
		{"true", `true`, "true", "true", rawjson.Bool, false, false, "boolean"},
		{"false", `false`, "false", "false", rawjson.Bool, false, false, "boolean"},
		{"number", `120363042969381234567`, "120363042969381234567", "120363042969381234567", rawjson.Number, false, false, "number"},
		{"zero", `-0.00`, "-0.00", "-0.00", rawjson.Number, false, false, "number"},
		{"string", `"a\u003cb\n\"é"`, "a<b\n\"é", `"a<b\n\"é"`, rawjson.String, false, false, "string"},
		{"empty string", `""`, "", `""`, rawjson.String, true, false, "string"},
		{"string of null", `"null"`, "null", `"null"`, rawjson.String, false, false, "string"},
		{"not UTF-8", "\"\xff\"", "\ufffd", "\"\ufffd\"", rawjson.String, false, false, "string"},
		{"object", "{ \"a\" : \"b c\" ,\n\"a\":[ 1.0 ] }", `{"a":"b c","a":[1.0]}`, `{"a":"b c","a":[1.0]}`, rawjson.Object, false, true, "object"},
		{"empty object", `{ }`, `{}`, `{}`, rawjson.Object, false, true, "object"},
		{"list", `[ 1 , null ]`, `[1,null]`, `[1,null]`, rawjson.List, false, true, "array"},
		{"empty list", `[]`, `[]`, `[]`, rawjson.List, false, true, "array"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			v := field.FromJSON(tt.raw)
			require.Equal(t, tt.kind, v.Kind)
			require.Equal(t, tt.text, v.String())
			require.Equal(t, "x"+tt.json, string(v.AppendJSON([]byte("x"))))
			require.Equal(t, tt.empty, v.Empty())
			require.Equal(t, tt.composite, v.Composite())
			require.Equal(t, tt.typeName, v.TypeName())
			require.Equal(t, tt.kind != rawjson.None, v.Has(nil))
			require.Equal(t, v, v.Walk(nil))
		})
	}
}

func TestValue_Made(t *testing.T) {
	t.Parallel()
	require.Equal(t, `"a\"\ufffd"`, strconv.QuoteToASCII(field.FromJSON(string(field.Text("a\"\xff").AppendJSON(nil))).String()))
	require.Equal(t, "12", field.Number("12").String())
	require.Equal(t, "12", string(field.Number("12").AppendJSON(nil)))
	require.Equal(t, field.FromJSON("null"), field.Null)
}

// Invalid is detected wherever it ends up.
func TestValue_Invalid(t *testing.T) {
	t.Parallel()
	require.False(t, json.Valid(field.Invalid.AppendJSON(nil)))
	require.Equal(t, field.Invalid, field.Invalid.Walk([]string{"a", "0"}))
	require.Empty(t, field.Invalid.String())
	require.True(t, field.Invalid.Empty())
	require.False(t, field.Invalid.Has([]string{"a"}))
}

func TestValue_Walk(t *testing.T) {
	t.Parallel()
	none, null := field.Value{}, field.Null
	tests := []struct {
		path string
		want field.Value
		has  bool
	}{
		{"id", field.Text("abc"), true},
		{"n", field.Number("1.50"), true},
		{"nothing", null, true},
		{"empty", field.Text(""), true},
		{"text", field.Text("a\"é<"), true},
		{"a", field.Number("2"), true},
		{"0", field.Text("zero"), true},
		{"user.name", field.Text("Ann"), true},
		{"user.tags.0", field.Text("x"), true},
		{"user.tags.1.k", field.Number("1"), true},
		{"user.tags.2.j", null, true},
		{"lists.0.1", field.Number("2"), true},
		{"missing", none, false},
		{"ID", none, false},
		{"id.x", none, false},
		{"nothing.x", none, false},
		{"user.missing", none, false},
		{"user.0", none, false},
		{"no.x", none, false},
		// After the end of a list there is null: no index is unknown.
		{"user.tags.3", null, true},
		{"none.0", null, true},
		{"lists.1.7", null, true},
		{"lists.0.2", null, true},
		{"user.tags.x", none, false},
		{"user.tags.01", none, false},
		{"user.tags.-1", none, false},
		// A member that another element has is known, although it is not here.
		{"user.tags.0.k", none, true},
		{"user.tags.1.j", none, true},
		{"user.tags.1.i", none, false},
		{"none.0.k", null, true},
	}
	doc := field.FromJSON(document)
	for _, tt := range tests {
		t.Run(tt.path, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.want, doc.Walk(strings.Split(tt.path, ".")))
			require.Equal(t, tt.has, doc.Has(strings.Split(tt.path, ".")))
		})
	}
}

func names(v field.Value) []string {
	var got []string
	v.Names(func(path []string) { got = append(got, strings.Join(path, "/")) })
	return got
}

func TestValue_Names(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, raw string
		want      []string
	}{
		{"nothing", ``, nil},
		{"scalar", `1`, nil},
		{"empty", `{}`, nil},
		{"in order", `{"b":1,"a":{"c":null}}`, []string{"b", "a", "a/c"}},
		{"first element of a list", `{"l":[{"x":1},{"y":2}]}`, []string{"l", "l/0", "l/0/x"}},
		{"empty list", `{"l":[]}`, []string{"l"}},
		{"list", `[[1]]`, []string{"0", "0/0"}},
		{"no name or a dot in it", `{"":1,"a.b":{"c":1},"d":2}`, []string{"", "a.b", "a.b/c", "d"}},
		{"escapes", `{"\u0061":1}`, []string{"a"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.want, names(field.FromJSON(tt.raw)))
		})
	}
	t.Run("all exist", func(t *testing.T) {
		t.Parallel()
		doc := field.FromJSON(document)
		for _, path := range names(doc) {
			require.True(t, doc.Has(strings.Split(path, "/")), path)
			require.NotEqual(t, rawjson.None, doc.Walk(strings.Split(path, "/")).Kind, path)
		}
	})
}

// Of a document made to be endless, only a limited number of names is listed.
func TestValue_NamesStops(t *testing.T) {
	t.Parallel()
	wide := "{"
	for i := range 5000 {
		wide += `"k` + strconv.Itoa(i) + `":0,`
	}
	require.Len(t, names(field.FromJSON(strings.TrimSuffix(wide, ",")+"}")), 1000)
	require.Less(t, len(names(field.FromJSON(strings.Repeat(`{"a":`, 5000)+"0"+strings.Repeat("}", 5000)))), 20)
	require.Equal(t, []string{"b"}, names(field.FromJSON(`{"`+strings.Repeat("a", 600)+`":1,"b":2}`)))
}

func TestIndex(t *testing.T) {
	t.Parallel()
	tests := []struct {
		text string
		want int
		ok   bool
	}{
		{"0", 0, true},
		{"7", 7, true},
		{"10", 10, true},
		{"999999999", 999999999, true},
		{"1000000000", 0, false},
		{"", 0, false},
		{"00", 0, false},
		{"01", 0, false},
		{"-1", 0, false},
		{"+1", 0, false},
		{" 1", 0, false},
		{"1.0", 0, false},
		{"1a1", 0, false},
		{"0x1", 0, false},
		{"٣", 0, false},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			t.Parallel()
			got, ok := field.Index(tt.text)
			require.Equal(t, tt.ok, ok)
			require.Equal(t, tt.want, got)
		})
	}
}
