package filter_test

import (
	"encoding/json"
	"fmt"
	"math/big"
	"math/rand/v2"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook/internal/field"
)

// Liquid's own expressions are the oracle.
func TestStripHTML_Oracle(t *testing.T) {
	t.Parallel()
	blocks := regexp.MustCompile(`(?s)<script.*?</script>|<!--.*?-->|<style.*?</style>`)
	tags := regexp.MustCompile(`(?s)<.*?>`)
	pieces := []string{"<script", "</script>", "<!--", "-->", "<style>", "</style>", "<", ">", "a", "é\n", "<b>", "</b>", "-", "<scr", "ipt>"}
	r := rand.New(rand.NewPCG(1, 2))
	strip := compile(t, "strip_html")
	for range 20_000 {
		var b strings.Builder
		for range r.IntN(12) {
			b.WriteString(pieces[r.IntN(len(pieces))])
		}
		out, err := strip.Apply(field.Text(b.String()))
		require.NoError(t, err)
		require.Equal(t, tags.ReplaceAllString(blocks.ReplaceAllString(b.String(), ""), ""), out.Text, b.String())
	}
}

// What encoding/json reads is filtered as Go code would do it.
func TestLists_Oracle(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 4))
	scalars := []any{nil, "a", "", "é\"", json.Number("1"), json.Number("-2.50"), json.Number("30"), true, "1"}
	for range 5_000 {
		var list, objects []any
		total := new(big.Rat)
		for range r.IntN(8) {
			v := scalars[r.IntN(len(scalars))]
			list = append(list, v)
			object := map[string]any{"b": "x"}
			if r.IntN(4) > 0 {
				n := json.Number(fmt.Sprint(r.IntN(100)))
				object["a"] = n
				total.Add(total, rat(t, string(n)))
			}
			objects = append(objects, object)
		}
		apply := func(list any, name string, args ...any) any {
			raw, err := json.Marshal(list)
			require.NoError(t, err)
			out, err := compile(t, name, args...).Apply(field.FromJSON(string(raw)))
			require.NoError(t, err)
			var got any
			d := json.NewDecoder(strings.NewReader(string(out.AppendJSON(nil))))
			d.UseNumber()
			require.NoError(t, d.Decode(&got))
			return got
		}
		compacted, unique, members := []any{}, []any{}, []any{}
		for _, v := range list {
			if v != nil {
				compacted = append(compacted, v)
			}
			seen := false
			for _, u := range unique {
				seen = seen || reflect.DeepEqual(u, v)
			}
			if !seen {
				unique = append(unique, v)
			}
		}
		for _, o := range objects {
			members = append(members, o.(map[string]any)["a"])
		}
		require.Equal(t, compacted, apply(list, "compact"))
		require.Equal(t, unique, apply(append([]any{}, list...), "uniq"))
		require.Equal(t, members, apply(objects, "map", "a"))
		require.Zero(t, total.Cmp(rat(t, string(apply(objects, "sum", "a").(json.Number)))))
	}
}
