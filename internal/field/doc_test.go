package field_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook/internal/field"
	"github.com/ringhook/webhook/internal/rawjson"
)

// escapedKeys returns n members whose names cost an allocation each to read.
func escapedKeys(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `"\u0061%06d":%d,`, i, i)
	}
	return b.String()
}

func TestDoc_Walk(t *testing.T) {
	t.Parallel()
	many := escapedKeys(1000)
	texts := []string{
		`{` + many + `"z":[1,{"y":2}],"z":3,"n":null}`,
		`{"payload":{` + many + `"z":{"y":[1,2]}},` + many + `"n":"text"}`,
		`{"payload":[[` + strings.Repeat("0,", 1000) + `{"y":1}],2],"n":{}}`,
		`[` + strings.Repeat(`{"z":1},`, 1000) + `0]`,
		`"` + strings.Repeat("text", 1000) + `"`,
		`{"z":1}`,
		`null`,
	}
	paths := []string{
		"payload", "payload.z", "payload.z.y", "payload.z.y.1", "payload.0", "payload.0.1000",
		"payload.0.1000.y", "payload.0.1001", "payload.01", "payload.2", "payload.x", "payload.x.y",
		"a000999", "a001000", "payload.a000001", "z", "z.0", "z.1.y", "n", "n.x", "0", "999.z", "1000",
		"1001", "1001.z", "",
	}
	for _, text := range texts {
		doc := &field.Doc{Value: field.FromJSON(text)}
		for range 2 {
			for _, path := range paths {
				require.Equal(t, doc.Value.Walk(strings.Split(path, ".")), doc.Walk(strings.Split(path, ".")), "%s of %.40s", path, text)
			}
			require.Equal(t, doc.Value, doc.Walk(nil))
		}
	}
	require.Equal(t, rawjson.None, new(field.Doc).Walk([]string{"a"}).Kind)
}

// Large values are read once: with 500 placeholders it would take a minute otherwise.
func TestDoc_Remembers(t *testing.T) { //nolint:paralleltest // counts the allocations of the process
	doc := &field.Doc{Value: field.FromJSON(`{"p":{` + escapedKeys(1000) + `"z":1}}`)}
	path := []string{"p", "z"}
	require.Equal(t, field.Number("1"), doc.Walk(path))
	require.Less(t, testing.AllocsPerRun(10, func() { doc.Walk(path) }), 10.0)
}
