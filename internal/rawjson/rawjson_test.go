package rawjson_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook/internal/rawjson"
)

// documents has JSON texts that are easy to walk wrongly.
var documents = []string{
	`null`, `true`, `false`, `0`, `-0.5e+10`, `""`, `"a"`, `"\""`, `"\\"`, `"\\\""`, `"[{,:}]"`,
	`{}`, `[]`, `{ }`, "[\r\n\t ]", `[[]]`, `[{}]`, `{"":{}}`, `[[],[],{}]`,
	`[1,2,3]`, ` [ 1 , "2" , null , [ 3 ] , { "4" : 5 } ] `, "{\n\t\"a\" : 1 ,\r\n \"b\"\t: [ true ] }",
	`{"a":1,"a":2}`, `{"a":1,"\u0061":2}`, `{"\u0061":1,"a":2}`, `{"a":{"a":{"a":[{"a":1}]}}}`,
	`{"a\"b":"c\"d","a\\":"\\","\\":1,"\/":2}`, `{"[":"]","{":"}",",":":"}`, `["]","}","\"]"]`,
	`{"é":1,"\u00e9":2,"😀":3,"\ud83d\ude00":4,"\ud83d":5}`, `["\ud800","\udc00x","\ud800\u0041"]`,
	"{\"\xff\":\"\xff\",\"\ufffd\":1}", "[\"a\xc3\",\"\xed\xa0\x80\"]", "[\"\x7f\u2028\"]",
	`{"id":120363042969381234567890,"price":1.10,"big":1e400}`,
}

// read decodes a JSON text with Walk, into the same values as encoding/json.
func read(raw string) any {
	switch rawjson.KindOf(raw) {
	case rawjson.Null:
		return nil
	case rawjson.Bool:
		return raw == "true"
	case rawjson.Number:
		return json.Number(raw)
	case rawjson.String:
		return rawjson.Unquote(raw)
	case rawjson.Object:
		m := map[string]any{}
		for it := rawjson.Walk(raw); it.Next(); {
			m[it.Key()] = read(it.Value())
		}
		return m
	case rawjson.List:
		l := []any{}
		for it := rawjson.Walk(raw); it.Next(); {
			l = append(l, read(it.Value()))
		}
		return l
	}
	return errors.New("no value")
}

func decode(t *testing.T, doc string) (v any) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(doc))
	d.UseNumber()
	require.NoError(t, d.Decode(&v), "%q", doc)
	return v
}

// requireWalk compares all that is read of a JSON text with encoding/json.
func requireWalk(t *testing.T, doc string) {
	t.Helper()
	require.Equal(t, -1, rawjson.Check([]byte(doc)), "%q", doc)
	raw := rawjson.Trim(doc)
	v := decode(t, doc)
	require.Equal(t, v, read(raw), "%q", doc)
	requireFind(t, raw, v)

	var compact bytes.Buffer
	require.NoError(t, json.Compact(&compact, []byte(doc)))
	require.Equal(t, mended(valid(compact.String())), string(rawjson.AppendCompact(nil, doc)), "%q", doc)
}

var escapes = regexp.MustCompile(`(?s)\\u[dD][89abAB]..\\u[dD][c-fC-F]..|\\u[dD][89a-fA-F]..|\\.`)

// mended writes U+FFFD for each lone surrogate, by other means than the package.
func mended(text string) string {
	return escapes.ReplaceAllStringFunc(text, func(escape string) string {
		if len(escape) == len(`\ud800`) {
			return "\ufffd"
		}
		return escape
	})
}

// requireFind looks for every name of every object, and for a name that is missing.
func requireFind(t *testing.T, raw string, v any) {
	t.Helper()
	_, ok := rawjson.Find(raw, "no such name")
	require.False(t, ok)
	switch v := v.(type) {
	case map[string]any:
		for name, want := range v {
			got, ok := rawjson.Find(raw, name)
			require.True(t, ok, "%q in %q", name, raw)
			require.Equal(t, want, read(got), "%q in %q", name, raw)
			requireFind(t, got, want)
		}
	case []any:
		i := 0
		for it := rawjson.Walk(raw); it.Next(); i++ {
			require.Equal(t, it.Value(), raw[it.Start:it.End])
			requireFind(t, it.Value(), v[i])
		}
		require.Len(t, v, i)
	}
}

func TestWalk_Documents(t *testing.T) {
	t.Parallel()
	for _, doc := range documents {
		requireWalk(t, doc)
		requireWalk(t, "\n [ "+doc+" , {\"x\" : "+doc+"} ]\t")
	}
}

// generator makes random documents with everything that JSON has.
type generator struct{ *rand.Rand }

func (g generator) pick(s ...string) string { return s[g.IntN(len(s))] }

func (g generator) blank() string { return g.pick("", "", "", " ", "\n\t", "\r\n  ") }

func (g generator) text() string {
	s := `"`
	for range g.IntN(6) {
		s += g.pick("a", "b", "12345678", `\"`, `\\`, `\/`, `\n`, `\u0061`, `\u0000`, `\ud800`, `\ud83d\ude00`,
			"é", "\xff", "{", "}", "[", "]", ",", ":", " ", "\x7f")
	}
	return s + `"`
}

func (g generator) value(depth int) string {
	n := g.IntN(8)
	if depth == 0 {
		n = 4 + g.IntN(4)
	}
	switch n {
	case 0, 1:
		return g.list("{", "}", func() string { return g.text() + g.blank() + ":" + g.blank() + g.value(depth-1) })
	case 2, 3:
		return g.list("[", "]", func() string { return g.value(depth - 1) })
	case 4:
		return g.text()
	case 5:
		return g.pick("null", "true", "false")
	default:
		return g.pick("0", "-1", "1.50", "2e9", "-0.0E-7", "123456789012345678901234567890")
	}
}

func (g generator) list(open, closing string, element func() string) string {
	s := open + g.blank()
	for i := range g.IntN(5) {
		if i > 0 {
			s += g.blank() + "," + g.blank()
		}
		s += element()
	}
	return s + g.blank() + closing
}

func TestWalk_Generated(t *testing.T) {
	t.Parallel()
	g := generator{rand.New(rand.NewPCG(1, 2))}
	for range 2000 {
		requireWalk(t, g.blank()+g.value(5)+g.blank())
	}
}

func TestWalk_Offsets(t *testing.T) {
	t.Parallel()
	raw := `{ "a" : 1 , "\u0062":[ 2 ]}`
	it := rawjson.Walk(raw)
	require.True(t, it.Next())
	require.Equal(t, []int{2, 5, 8, 9}, []int{it.KeyStart, it.KeyEnd, it.Start, it.End})
	require.Equal(t, []string{"a", "1"}, []string{it.Key(), it.Value()})
	require.True(t, it.Next())
	require.Equal(t, []int{12, 20, 21, 26}, []int{it.KeyStart, it.KeyEnd, it.Start, it.End})
	require.Equal(t, []string{"b", "[ 2 ]"}, []string{it.Key(), it.Value()})
	require.False(t, it.Next())
	require.False(t, it.Next())
}

func TestWalk_NotComposite(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{"", "null", "true", "1", `"{}"`, "x"} {
		it := rawjson.Walk(raw)
		require.False(t, it.Next(), "%q", raw)
		_, ok := rawjson.Find(raw, "")
		require.False(t, ok, "%q", raw)
	}
}

// Skipping a text uses no stack, however deep it is nested.
func TestWalk_Deep(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("[", 1<<20) + strings.Repeat("]", 1<<20)
	value, ok := rawjson.Find(`{"a":`+deep+`,"b":1}`, "b")
	require.True(t, ok)
	require.Equal(t, "1", value)
	require.Equal(t, 10000, rawjson.Check([]byte(deep)), "encoding/json goes no deeper")
}

func TestFind(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, object, member, want string
		ok                         bool
	}{
		{"first", `{"a":1,"b":2}`, "a", "1", true},
		{"last of several", `{"a":1,"b":2,"a":3}`, "a", "3", true},
		{"last is written with an escape", `{"a":1,"\u0061":2}`, "a", "2", true},
		{"first is written with an escape", `{"\u0061":1,"a":2}`, "a", "2", true},
		{"case matters", `{"A":1}`, "a", "", false},
		{"empty name", `{"":1}`, "", "1", true},
		{"as it is written", `{"a\\b":1}`, `a\\b`, "", false},
		{"with a backslash", `{"a\\b":1}`, `a\b`, "1", true},
		{"with a quote", `{"a\"":1}`, `a"`, "1", true},
		{"prefix", `{"ab":1}`, "a", "", false},
		{"only deeper", `{"b":{"a":1}}`, "a", "", false},
		{"a value", `{"b":"a"}`, "a", "", false},
		{"null", `{"a":null}`, "a", "null", true},
		{"not UTF-8", "{\"\xff\":1}", "\ufffd", "1", true},
		{"a list", `["a",1]`, "a", "", false},
		{"nothing", ``, "", "", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, ok := rawjson.Find(tt.object, tt.member)
			require.Equal(t, tt.ok, ok)
			require.Equal(t, tt.want, got)
		})
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, text string
		want       int
	}{
		{"valid", ` {"a":[1,2.5e3,"x",null]} `, -1},
		{"empty", "", 0},
		{"blanks", " \n", 2},
		{"no value", "x", 0},
		{"open object", `{"a":1`, 6},
		{"open string", `"abc`, 4},
		{"open literal", `nul`, 3},
		{"wrong literal", `nulx`, 3},
		{"open fraction", `[1.`, 3},
		{"open exponent", `1e`, 2},
		{"sign alone", `-`, 1},
		{"open escape", `"a\`, 3},
		{"open hex", `"\u12`, 5},
		{"trailing comma", `[1,]`, 3},
		{"missing value", `{"a":}`, 5},
		{"missing colon", `{"a" 1}`, 5},
		{"bare key", `{a:1}`, 1},
		{"single quotes", `{'a':1}`, 1},
		{"two values", `1 2`, 2},
		{"after the end", `{}}`, 2},
		{"bad escape", `"\x"`, 2},
		{"bad hex", `"\u12g4"`, 5},
		{"control in a string", "\"a\nb\"", 2},
		{"leading zero", `01`, 1},
		{"plus", `+1`, 0},
		{"byte order mark", "\ufeff1", 0},
		{"other blank", "\u00a01", 0},
		{"NaN", `NaN`, 0},
		{"comment", `[1] // one`, 4},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.want, rawjson.Check([]byte(tt.text)))
		})
	}
}

// fault returns what Check should return, according to the Decoder, which distinguishes
// an end that comes too early from a wrong byte.
func fault(text string) int {
	d := json.NewDecoder(strings.NewReader(text))
	var v json.RawMessage
	err := d.Decode(&v)
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &syntax):
		return int(syntax.Offset) - 1
	case err != nil:
		return len(text)
	}
	left := strings.TrimLeft(text[d.InputOffset():], " \t\r\n")
	if left == "" {
		return -1
	}
	return len(text) - len(left)
}

func TestCheck_EveryCut(t *testing.T) {
	t.Parallel()
	for _, doc := range documents {
		for i := range len(doc) {
			if text := doc[:i]; !json.Valid([]byte(text)) {
				require.Equal(t, i, rawjson.Check([]byte(text)), "%q", text)
			}
			for _, text := range []string{
				doc[:i] + doc[i+1:], doc[:i] + "}" + doc[i:], doc[:i] + "\x01" + doc[i:], doc[:i] + " ",
			} {
				require.Equal(t, fault(text), rawjson.Check([]byte(text)), "%q", text)
			}
		}
	}
}

func TestUnquote(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, raw, want string }{
		{"empty", `""`, ""},
		{"text", `"abc"`, "abc"},
		{"escapes", `"\"\\\/\b\f\n\r\t\u00e9"`, "\"\\/\b\f\n\r\té"},
		{"pair", `"\ud83d\ude00"`, "😀"},
		{"lone surrogate", `"\ud83dx"`, "\ufffdx"},
		{"not UTF-8", "\"a\xff\xc3\"", "a\ufffd\ufffd"},
		{"not UTF-8 and an escape", "\"\xff\\n\"", "\ufffd\n"},
		{"other scripts", `"日本"`, "日本"},
		{"no string", `12`, ""},
		{"one quote", `"`, ""},
		{"nothing", ``, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.want, rawjson.Unquote(tt.raw))
		})
	}
}

func TestTrim(t *testing.T) {
	t.Parallel()
	require.Equal(t, "\u00a0\v1 2\f", rawjson.Trim(" \t\r\n\u00a0\v1 2\f\n\r\t "))
	require.Empty(t, rawjson.Trim(" \n"))
}

func FuzzWalk(f *testing.F) {
	for _, doc := range documents {
		f.Add(doc)
		f.Add(doc[:len(doc)/2])
		f.Add(doc[len(doc)/2:])
	}
	f.Fuzz(func(t *testing.T, doc string) {
		require.Equal(t, fault(doc), rawjson.Check([]byte(doc)))
		if json.Valid([]byte(doc)) {
			requireWalk(t, doc)
			return
		}
		// For any other text, the only promise is that it ends, without a panic.
		read(doc)
		rawjson.Find(doc, doc)
		rawjson.Unquote(doc)
		rawjson.AppendCompact(nil, doc)
	})
}
