package compose_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook/internal/compose"
	"github.com/ringhook/webhook/internal/field"
	"github.com/ringhook/webhook/internal/rawjson"
)

func TestLookUp(t *testing.T) {
	t.Parallel()
	const (
		bare     = `{"x":1,"payload":2}`
		envelope = `{"x":1,"y":2,"payload":{"x":3,"z":4,"payload":5}}`
	)
	tests := []struct{ doc, name, want string }{
		{bare, "x", "1"},
		{bare, "payload.x", "1"},
		{bare, "payload", bare},
		{bare, "payload.payload", "2"},
		{envelope, "x", "1"},
		{envelope, "y", "2"},
		{envelope, "z", "4"},
		{envelope, "payload.x", "3"},
		{envelope, "payload.y", ""},
		{envelope, "payload", `{"x":3,"z":4,"payload":5}`},
		{envelope, "payload.payload", "5"},
	}
	for _, tt := range tests {
		got := compose.LookUp(tt.name, field.FromJSON(tt.doc))
		if tt.want == "" {
			require.Equal(t, rawjson.None, got.Kind, "%s in %s", tt.name, tt.doc)
			continue
		}
		require.Equal(t, tt.want, got.Text, "%s in %s", tt.name, tt.doc)
	}
}

// Each spelling of a member finds that member, unless the name is taken: by the whole
// payload, or by a member at the top.
func FuzzSpellings(f *testing.F) {
	for _, doc := range []string{
		`{"x":1,"y":{"z":[1,{"a":2}]}}`, `{"x":1,"payload":{"x":2,"y":{"z":3}}}`, `{"payload":[{"x":1}]}`,
		`{"payload":"text","x":1}`, `{"payload":{"payload":{"payload":1}}}`, `[1,{"payload":{"x":1}}]`, `null`,
		`{"payload":{"payload":{"x":1}}}`,
	} {
		f.Add(doc)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if rawjson.Check([]byte(text)) >= 0 {
			return
		}
		doc := field.FromJSON(rawjson.Trim(text))
		envelope := compose.IsEnvelope(doc)
		var members []string
		doc.Names(func(path string) { members = append(members, path) })
		for _, member := range members[:min(len(members), 100)] {
			want := doc.Walk(field.Split(member))
			for i, name := range compose.Spellings(member, envelope) {
				top, _, _ := strings.Cut(name, ".")
				taken := name == "payload" || !envelope && top == "payload" && i == 0 ||
					envelope && i > 0 && doc.Has(field.Split(name))
				if !taken {
					require.Equal(t, want, compose.LookUp(name, doc), "%s for %s in %s", name, member, text)
				}
			}
			require.True(t, slices.Contains(compose.Spellings(member, envelope), member))
		}
	})
}
