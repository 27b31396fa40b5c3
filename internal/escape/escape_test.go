package escape_test

import (
	"net/url"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook/internal/escape"
	"github.com/ringhook/webhook/internal/rawjson"
)

// valid returns s as the package reads it: one U+FFFD for each byte that is not UTF-8.
func valid(s string) string {
	var b strings.Builder
	for _, r := range s {
		b.WriteRune(r)
	}
	return b.String()
}

// texts returns every byte alone and inside a text, every ASCII character after %, and
// some characters of all lengths.
func texts() []string {
	s := []string{
		"", "a b+c", "%", "%4", "%41", "100%", "%%41", "a/../b?c=d&e#f", "é", "日本", "😀", "\u0085", "\u009f",
		"\u00a0", "\u2028", "\ufffd", "\xff\xfe", "a\xc3", "\xc3(", "\xed\xa0\x80", "\xc0\xaf",
		"\xf0\x9f\x98", "\xf4\x90\x80\x80",
	}
	for c := range 256 {
		one := string([]byte{byte(c)})
		s = append(s, one, "a"+one+"b", "%"+one+"1", "%1"+one)
	}
	return s
}

// What is unreserved stands in every place as it is.
func TestIsUnreserved(t *testing.T) {
	t.Parallel()
	for _, text := range texts() {
		require.Equal(t, string(escape.AppendURL(nil, text)) == text, escape.IsUnreserved(text), "%q", text)
		if !escape.IsUnreserved(text) {
			continue
		}
		for _, appendTo := range []func([]byte, string) []byte{
			escape.AppendHeader, escape.AppendText, escape.AppendXML, escape.AppendXMLAttribute, rawjson.AppendEscaped,
		} {
			require.Equal(t, text, string(appendTo(nil, text)))
		}
	}
}

func TestAppendURL(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, text, want string }{
		{"empty", "", ""},
		{"unreserved", "AZaz09-._~", "AZaz09-._~"},
		{"gen-delims", ":/?#[]@", "%3A%2F%3F%23%5B%5D%40"},
		{"sub-delims", "!$&'()*+,;=", "%21%24%26%27%28%29%2A%2B%2C%3B%3D"},
		{"others", " \"%<>\\^`{|}", "%20%22%25%3C%3E%5C%5E%60%7B%7C%7D"},
		{"controls", "\x00\t\r\n\x7f", "%00%09%0D%0A%7F"},
		{"dots", "../..", "..%2F.."},
		{"encoded already", "%2F", "%252F"},
		{"other scripts", "é日😀", "%C3%A9%E6%97%A5%F0%9F%98%80"},
		{"not UTF-8", "a\xff\xc3b", "a%EF%BF%BD%EF%BF%BDb"},
		{"lone surrogate", "\xed\xa0\x80", "%EF%BF%BD%EF%BF%BD%EF%BF%BD"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, "x="+tt.want, string(escape.AppendURL([]byte("x="), tt.text)))
		})
	}
}

// The result has unreserved characters and percent-encodings only, is what net/url
// writes where net/url encodes at all, and decodes to the text in a path and in a query.
func TestAppendURL_Decodes(t *testing.T) {
	t.Parallel()
	for _, s := range texts() {
		got := string(escape.AppendURL(nil, s))
		require.Equal(t, strings.ReplaceAll(url.QueryEscape(valid(s)), "+", "%20"), got, "%q", s)
		path, err := url.PathUnescape(got)
		require.NoError(t, err, "%q", s)
		require.Equal(t, valid(s), path)
		query, err := url.QueryUnescape(got)
		require.NoError(t, err, "%q", s)
		require.Equal(t, valid(s), query)
	}
}

func TestAppendURLLiteral(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, text, want string }{
		{"empty", "", ""},
		{"what a URL is made of", "https://h:80/a;b/c~d?e=f&g=h+i,(j)!$'*[k]@", "https://h:80/a;b/c~d?e=f&g=h+i,(j)!$'*[k]@"},
		{"quotes and braces", "\"<>^`{|}", "%22%3C%3E%5E%60%7B%7C%7D"},
		{"other scripts", "/é", "/%C3%A9"},
		{"percent-encoding", "%2F%2f%aF", "%2F%2f%aF"},
		{"percent alone", "100%", "100%25"},
		{"percent with one digit", "%4", "%254"},
		{"percent with others", "%zz%4g%g4", "%25zz%254g%25g4"},
		{"percent before a percent-encoding", "%%41", "%25%41"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, "x"+tt.want, string(escape.AppendURLLiteral([]byte("x"), tt.text)))
		})
	}
}

// A second run changes nothing, a value after the result does not turn it into a
// percent-encoding, and a text that was a URL keeps its meaning.
func TestAppendURLLiteral_KeepsMeaning(t *testing.T) {
	t.Parallel()
	for _, s := range texts() {
		got := string(escape.AppendURLLiteral(nil, s))
		require.Equal(t, got, string(escape.AppendURLLiteral(nil, got)), "%q", s)
		decoded, err := url.PathUnescape(got)
		require.NoError(t, err, "%q", s)
		if want, err := url.PathUnescape(s); err == nil {
			require.Equal(t, want, decoded, "%q", s)
		}
		followed, err := url.PathUnescape(got + "41")
		require.NoError(t, err)
		require.Equal(t, decoded+"41", followed, "%q", s)
		for _, c := range []byte(got) {
			require.Less(t, c, byte(utf8.RuneSelf))
			require.NotContains(t, "\"<>^`{|}", string(c))
		}
	}
}

func TestAppendHeader(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, text, want string }{
		{"empty", "", ""},
		{"text", "Bearer a.b=~", "Bearer a.b=~"},
		{"line break", "a\r\nX-B: 1", "a  X-B: 1"},
		{"tab", "a\tb", "a\tb"},
		{"NUL and DEL", "\x00a\x7f", " a "},
		{"NEL", "a\u0085b", "a b"},
		{"first and last C1", "\u0080\u009f", "  "},
		{"after C1", "\u00a0", "\u00a0"},
		{"C1 as a byte", "a\x85b", "a\ufffdb"},
		{"line separator", "a\u2028b", "a\u2028b"},
		{"other scripts", "é日😀", "é日😀"},
		{"not UTF-8", "a\xff\xc3b", "a\ufffd\ufffdb"},
		{"U+FFFD itself", "a\ufffdb", "a\ufffdb"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, "x"+tt.want, string(escape.AppendHeader([]byte("x"), tt.text)))
		})
	}
}

func TestAppendHeader_CharacterByCharacter(t *testing.T) {
	t.Parallel()
	all := texts()
	for r := range rune(0x250) {
		all = append(all, string(r), "a"+string(r)+"b")
	}
	for _, s := range all {
		require.Equal(t, headerText(s), string(escape.AppendHeader(nil, s)), "%q", s)
	}
}

// headerText is AppendHeader, character by character.
func headerText(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\t' {
			return ' '
		}
		return r
	}, valid(s))
}

// The values are read four bytes at a time: test each byte at each place.
func TestAppend_EachPlace(t *testing.T) {
	t.Parallel()
	for size := range 10 {
		for at := range size {
			for c := range 256 {
				s := strings.Repeat("a", at) + string([]byte{byte(c)}) + strings.Repeat("b", size-at-1)
				require.Equal(t, headerText(s), string(escape.AppendHeader(nil, s)), "%q", s)
				inURL := strings.ReplaceAll(url.QueryEscape(valid(s)), "+", "%20")
				require.Equal(t, inURL, string(escape.AppendURL(nil, s)), "%q", s)
			}
		}
	}
}

func TestAppendFormKey(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, text, want string }{
		{"empty", "", "%27%27"},
		{"two quotes", "''", "''"},
		{"name", "first_name", "first_name"},
		{"brackets", "a[b]", "a%5Bb%5D"},
		{"pairs", "a=b&c", "a%3Db%26c"},
		{"controls", "a\r\n\t\x00\x7f", "a%0D%0A%09%00%7F"},
		{"quote", `a"b\`, `a"b\`},
		{"blank and percent", " a b%5B%", " a b%255B%25"},
		{"other scripts", "né", "né"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, "x"+tt.want, string(escape.AppendFormKey([]byte("x"), tt.text)))
		})
	}
}

func TestAppendFormMember(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"": "%27%27", "a": "a", "a b": "a b", " a": "%20a", "  a ": "%20 a ", " ": "%20", " [": "%20%5B", "%20": "%2520",
	} {
		require.Equal(t, "x"+want, string(escape.AppendFormMember([]byte("x"), in)), "%q", in)
	}
}

func TestAppendQuoted(t *testing.T) {
	t.Parallel()
	require.Equal(t, `x12%22 pizza[%5C]é'%0D`, string(escape.AppendQuoted([]byte("x"), `12" pizza[\]é'%0D`)))
}

// No two members of an object have the same name in a form, in either kind of form.
func FuzzAppendFormKey(f *testing.F) {
	for _, pair := range [][2]string{{"", "''"}, {"x[y]", "x%5By%5D"}, {" a", "%20a"}, {`"`, "%22"}, {`\`, "%5C"}, {"%", "%25"}, {"", "%27%27"}} {
		f.Add(pair[0], pair[1])
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		if a == b {
			return
		}
		for _, appendName := range []func([]byte, string) []byte{escape.AppendFormKey, escape.AppendFormMember} {
			x, y := appendName(nil, a), appendName(nil, b)
			require.NotEqual(t, string(x), string(y))
			require.NotEqual(t, string(escape.AppendQuoted(nil, string(x))), string(escape.AppendQuoted(nil, string(y))))
		}
	})
}

// No value writes a byte that has a meaning in a URL, and it always reads back.
func FuzzAppendURL(f *testing.F) {
	for _, s := range []string{"", "a b", "%41", "\xff", "é\u0085\r\n", "../"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := url.QueryUnescape(string(escape.AppendURL(nil, s)))
		require.NoError(t, err)
		require.Equal(t, valid(s), got)
		require.Equal(t, headerText(s), string(escape.AppendHeader(nil, s)))
	})
}
