package escape_test

import (
	"encoding/csv"
	"encoding/xml"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook/internal/escape"
)

func TestAppendXML(t *testing.T) {
	t.Parallel()
	for in, want := range map[string][2]string{
		"":                       {"", ""},
		"plain é 😀\x7f\u0085":    {"plain é 😀\x7f\u0085", "plain é 😀\x7f\u0085"},
		`<a b='c' d="e">&]]>`:    {"&lt;a b=&apos;c&apos; d=&quot;e&quot;&gt;&amp;]]&gt;", "&lt;a b=&apos;c&apos; d=&quot;e&quot;&gt;&amp;]]&gt;"},
		"1\t2\n3\r\n4":           {"1\t2\n3&#13;\n4", "1&#9;2&#10;3&#13;&#10;4"},
		"\x00\x08\x0b\x1f":       {"\ufffd\ufffd\ufffd\ufffd", "\ufffd\ufffd\ufffd\ufffd"},
		"\ufffe\uffff\ufffd":     {"\ufffd\ufffd\ufffd", "\ufffd\ufffd\ufffd"},
		"a\xffé\xed\xa0\x80":     {"a\ufffdé\ufffd\ufffd\ufffd", "a\ufffdé\ufffd\ufffd\ufffd"},
		"\U0001fffe\U0010ffff":   {"\U0001fffe\U0010ffff", "\U0001fffe\U0010ffff"},
		strings.Repeat("a", 100): {strings.Repeat("a", 100), strings.Repeat("a", 100)},
	} {
		require.Equal(t, "_"+want[0], string(escape.AppendXML([]byte("_"), in)))
		require.Equal(t, "_"+want[1], string(escape.AppendXMLAttribute([]byte("_"), in)))
	}
}

func FuzzAppendXML(f *testing.F) {
	for _, s := range []string{"", "a<&>'\"\r\n\t", "\x00\xff\ufffe", "]]>😀"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var got struct {
			B    string `xml:"b,attr"`
			Text string `xml:",chardata"`
		}
		doc := `<a b="` + string(escape.AppendXMLAttribute(nil, s)) + `">` + string(escape.AppendXML(nil, s)) + `</a>`
		require.NoError(t, xml.Unmarshal([]byte(doc), &got), "%q", doc)
		require.Equal(t, got.B, got.Text)
		var b strings.Builder // encoding/xml writes U+FFFD for what XML cannot hold, too
		require.NoError(t, xml.EscapeText(&b, []byte(s)))
		var want string
		require.NoError(t, xml.Unmarshal([]byte("<a>"+b.String()+"</a>"), &want))
		require.Equal(t, want, got.Text)
	})
}

func TestAppendCSV(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":               `""`,
		"a, é":           `"a, é"`,
		`say "x"`:        `"say ""x"""`,
		"1\r\n2\t3\x00":  "\"1 \n2\t3 \"",
		"\xff":           "\"\ufffd\"",
		"=1":             `"'=1"`,
		"+1":             `"+1"`,
		"-12.50":         `"-12.50"`,
		"+919019912345":  `"+919019912345"`,
		"-1+2":           `"'-1+2"`,
		"-":              `"'-"`,
		"-.5":            `"'-.5"`,
		"-5.":            `"'-5."`,
		"+91 90199":      `"'+91 90199"`,
		"--5":            `"'--5"`,
		"@SUM(A1)":       `"'@SUM(A1)"`,
		"\ta":            "\"'\ta\"",
		"\ra":            `"' a"`,
		" =1":            `"' =1"`,
		"\n+a":           "\"'\n+a\"",
		"\u00a0=1":       "\"'\u00a0=1\"",
		"\x00=1":         `"' =1"`,
		"＝1":             `"'＝1"`,
		`"=1`:            `"""=1"`,
		"a=1":            `"a=1"`,
		"'=1":            `"'=1"`,
		"1-2":            `"1-2"`,
		"-1\n=cmd":       "\"'-1\n=cmd\"",
		"+1\x00":         `"'+1 "`,
		"-1e5":           `"'-1e5"`,
		"−1":             `"−1"`,
		"+٣":             `"'+٣"`,
		"-1.5.2":         `"'-1.5.2"`,
		"=\"a\"":         `"'=""a"""`,
		"-0":             `"-0"`,
		"\ufeff=1":       "\"\ufeff=1\"",
		"+":              `"'+"`,
		"-+1":            `"'-+1"`,
		"1":              `"1"`,
		"\t":             "\"'\t\"",
		"-1\t":           "\"'-1\t\"",
		"@":              `"'@"`,
		"＋1":             `"'＋1"`,
		"\u2028=1":       "\"'\u2028=1\"",
		"=1\r":           `"'=1 "`,
		"\u0085=1":       `"' =1"`,
		"+1-800-555":     `"'+1-800-555"`,
		"-2147483648.01": `"-2147483648.01"`,
	} {
		require.Equal(t, "_"+want, string(escape.AppendCSV([]byte("_"), in)), "%q", in)
		require.Equal(t, want, `"`+string(escape.AppendCSVQuoted(nil, in))+`"`)
		rows, err := csv.NewReader(strings.NewReader(want + ",1\n")).ReadAll()
		require.NoError(t, err)
		require.Len(t, rows[0], 2)
	}
}
