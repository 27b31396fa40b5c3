package filter_test

import (
	"encoding/json"
	"slices"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook/internal/field"
	"github.com/ringhook/webhook/internal/filter"
	"github.com/ringhook/webhook/internal/rawjson"
)

// FuzzApply sends any value through any chain of filters. Each two bytes of chain
// choose a filter and its arguments.
func FuzzApply(f *testing.F) {
	names := filter.Names()
	// picks returns filters and what picks their arguments: 16 is the text, 17 the number, 36
	// text and number, 0 none.
	picks := func(filters ...any) (chain []byte) {
		for _, f := range filters {
			if name, ok := f.(string); ok {
				f = slices.Index(names, name)
			}
			chain = append(chain, byte(f.(int)))
		}
		return chain
	}
	for _, in := range []string{
		`null`, `"918919521234"`, `918919521234`, `-0.0150e3`, `"2021-04-09 16:27:39"`,
		`["a",[1],{"b":null}," "]`, `{"a":[]}`, "\"a\xe2\x82\xe2\x82\xac\xff\"", `"a,b,,c <&>\"'\\"`, `true`,
		`[ ]`,
	} {
		f.Add(in, picks("prepend", 16, "slice", 17, "date_format", 16), "d/m/Y", int64(-10))
		f.Add(in, picks("split", 16, "join", 16, "uniq", 0, "last", 0, "translate", 36), ",", int64(3))
		f.Add(in, picks("plus", 16, "times", 16, "at_least", 17, "round", 17), "1,50", int64(0))
		f.Add(in, picks("date", 16, "json", 0, "base64_encode", 0, "base64_decode", 0, "strip_html", 0), "<%F %T>", int64(0))
		f.Add(in, picks("map", 16, "compact", 0, "sum", 0, "abs", 0, "remove", 16), "a", int64(0))
	}
	f.Fuzz(func(t *testing.T, in string, chain []byte, text string, n int64) {
		v := field.Text(in)
		if rawjson.Check([]byte(in)) < 0 {
			v = field.FromJSON(rawjson.Trim(in))
		}
		valid := utf8.ValidString(in) && utf8.ValidString(text)
		all := literals(text, int(int32(n)), true, nil)
		for chain = chain[:min(len(chain), 16)]; len(chain) > 1; chain = chain[2:] {
			name, pick := names[int(chain[0])%len(names)], int(chain[1])
			args := []field.Value{all[pick%4], all[pick/4%4]}
			fl, err := filter.Compile(name, args[:pick/16%3])
			if err != nil {
				require.NotEmpty(t, err.Error())
				continue
			}
			out, err := fl.Apply(v)
			if err != nil {
				require.Zero(t, out)
				continue
			}
			require.LessOrEqual(t, len(out.Text), filter.MaxOutput)
			if valid {
				require.True(t, utf8.ValidString(out.Text), "%s of %q: %q", name, v.Text, out.Text)
			}
			require.True(t, json.Valid(out.AppendJSON(nil)), "%s of %q: %q", name, v.Text, out.Text)
			if out.Kind != rawjson.String {
				require.Equal(t, out.Kind, rawjson.KindOf(out.Text))
				require.True(t, json.Valid([]byte(out.Text)), "%s of %q: %q", name, v.Text, out.Text)
			}
			v = out
		}
	})
}
