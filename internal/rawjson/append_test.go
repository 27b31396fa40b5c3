package rawjson_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook/internal/rawjson"
)

// valid returns s as encoding/json reads it: one U+FFFD for each byte that is not UTF-8.
func valid(s string) string {
	var b strings.Builder
	for _, r := range s {
		b.WriteRune(r)
	}
	return b.String()
}

// requireString compares the results of AppendString and AppendEscaped with
// encoding/json.
func requireString(t *testing.T, s string) {
	t.Helper()
	got := string(rawjson.AppendString([]byte("x"), s))
	require.Equal(t, `x"`+string(rawjson.AppendEscaped(nil, s))+`"`, got, "%q", s)
	var back string
	require.NoError(t, json.Unmarshal([]byte(got[1:]), &back), "%q", s)
	// require.Equal is slow, and this runs a hundred thousand times.
	if want := valid(s); back != want {
		require.Equal(t, want, back)
	}
	if unquoted := rawjson.Unquote(got[1:]); unquoted != back {
		require.Equal(t, back, unquoted)
	}
}

func TestAppendString(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, text, want string }{
		{"empty", "", `""`},
		{"text", "all is well", `"all is well"`},
		{"quote and backslash", `a"b\c`, `"a\"b\\c"`},
		{"short escapes", "\b\t\n\f\r", `"\b\t\n\f\r"`},
		{"controls", "\x00\x0b\x1f", `"\u0000\u000b\u001f"`},
		{"DEL", "\x7f", "\"\x7f\""},
		{"of HTML", "<a href='&'>/", `"<a href='&'>/"`},
		{"other scripts", "é日😀\u2028\u2029", "\"é日😀\u2028\u2029\""},
		{"not UTF-8", "a\xff\xc3b", "\"a\ufffd\ufffdb\""},
		{"lone surrogate", "\xed\xa0\x80", "\"\ufffd\ufffd\ufffd\""},
		{"half a character at the end", "12345678\xf0\x9f\x98", "\"12345678\ufffd\ufffd\ufffd\""},
		{"U+FFFD itself", "\ufffd", "\"\ufffd\""},
		{"after eight", `12345678"`, `"12345678\""`},
		{"as the eighth", `1234567"`, `"1234567\""`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.want, string(rawjson.AppendString(nil, tt.text)))
			requireString(t, tt.text)
		})
	}
}

// Eight bytes are read at a time: test every byte at every place, next to bytes from
// which it could get a carry.
func TestAppendString_EveryByteEverywhere(t *testing.T) {
	t.Parallel()
	for _, clean := range []string{"a", " ", "!", "#", "[", "]", "\x7f"} {
		for offset := range 21 {
			for c := range 256 {
				text := []byte(strings.Repeat(clean, 24))
				text[offset] = byte(c)
				requireString(t, string(text))
			}
		}
	}
}

func TestAppendString_EveryPair(t *testing.T) {
	t.Parallel()
	special := []byte{0, 0x1f, 0x20, '!', '"', '#', '[', '\\', ']', 0x7f, 0x80, 0xa0, 0xa2, 0xdc, 0xff}
	for offset := range 9 {
		for _, a := range special {
			for _, b := range special {
				text := []byte(strings.Repeat("a", 16))
				text[offset], text[offset+1] = a, b
				requireString(t, string(text))
			}
		}
	}
}

func TestAppendString_EveryLength(t *testing.T) {
	t.Parallel()
	for n := range 41 {
		for _, last := range []string{"", "\"", "\n", "é", "\xff"} {
			requireString(t, strings.Repeat("a", n)+last)
			requireString(t, last+strings.Repeat("a", n))
			requireString(t, strings.Repeat("é", n)+last)
		}
	}
}

func TestAppendCompact(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, raw, want string }{
		{"scalar", "1", "1"},
		{"numbers as written", "[ 1.0, 1E+2 ,-0 ]", "[1.0,1E+2,-0]"},
		{"escapes as written", `{ "\u00e9\/" : "\ud83d\uDE00<" }`, `{"\u00e9\/":"\ud83d\uDE00<"}`},
		{"lone surrogates", `{ "\ud800<" : [ "\uDC00", "a" ] }`, "{\"\ufffd<\":[\"\ufffd\",\"a\"]}"},
		{"blanks in strings", `[ " a \" b " , " \\" ]`, `[" a \" b "," \\"]`},
		{"all blanks", "\t[\r\n1 ]\n", "[1]"},
		{"not UTF-8", "[ \"a\xff\xc3\" ]", "[\"a\ufffd\ufffd\"]"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, "x"+tt.want, string(rawjson.AppendCompact([]byte("x"), tt.raw)))
		})
	}
}

func TestMendSurrogates(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, raw, want string }{
		{"nothing", "", ""},
		{"no escapes", `"é"`, `"é"`},
		{"other escapes", `"\\ud800 \u0041\n\"\ue000\ud7ff"`, `"\\ud800 \u0041\n\"\ue000\ud7ff"`},
		{"a pair", `"\ud83d\ude00"`, `"\ud83d\ude00"`},
		{"the first half", `"A\ud83d"`, "\"A\ufffd\""},
		{"the second half", `"\uDE00A"`, "\"\ufffdA\""},
		{"the wrong way round", `"\ude00\ud83d"`, "\"\ufffd\ufffd\""},
		{"a half before a pair", `"\ud83d\ud83d\ude00x"`, "\"\ufffd" + `\ud83d\ude00x"`},
		{"a half before another escape", `"\ud83d\n\ud83d\u0041"`, "\"\ufffd\\n\ufffd\\u0041\""},
		{"after a backslash", `"\\\ud83d"`, "\"\\\\\ufffd\""},
		{"a half at the end of a piece", `\ud83d`, "\ufffd"},
		{"cut", `"\ud8`, `"\ud8`},
		{"cut after a backslash", `"\`, `"\`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.want, string(rawjson.MendSurrogates([]byte(tt.raw))))
		})
	}
}

func FuzzMendSurrogates(f *testing.F) {
	for _, s := range []string{"", `\ud83d`, `\ud83d\ude00x\ud83d`, `\\ud83d`, `a\n\uDE00\ud83d\u0041`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		raw := `"` + s + `"`
		if rawjson.Check([]byte(raw)) >= 0 {
			_ = rawjson.MendSurrogates([]byte(raw))
			return
		}
		got := string(rawjson.MendSurrogates([]byte(raw)))
		require.Equal(t, rawjson.Unquote(raw), rawjson.Unquote(got))
		require.Equal(t, mended(raw), got)
	})
}

func FuzzAppendEscaped(f *testing.F) {
	for _, s := range []string{"", "abcdefgh", "abcdefg\"", "\x00\x1f \x7f", "é\u2028\xff", `\u0041\`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		requireString(t, s)
		require.True(t, utf8.Valid(rawjson.AppendEscaped(nil, s)))
	})
}
