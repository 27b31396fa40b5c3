package compose_test

import (
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

// The spelling of a member finds that member.
func FuzzSpelling(f *testing.F) {
	for _, doc := range []string{
		`{"x":1,"y":{"z":[1,{"a":2}]}}`, `{"x":1,"payload":{"x":2,"y":{"z":3}}}`, `{"payload":[{"x":1}]}`,
		`{"payload":"text","x":1}`, `{"payload":{"payload":{"payload":1}}}`, `[1,{"payload":{"x":1}}]`, `null`,
		`{"payload":{"payload":{"x":1}}}`, `{"":{"":1},"a.b":{"c d":1},"0":1,"true":1,"in":1,"a=b":1,"it's":{"\"'\\":1}}`,
		`{"event":1,"message_id":2,"payload":{"webhook_id":3,"}}":4,"\t{{":5}}`,
	} {
		f.Add(doc)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if rawjson.Check([]byte(text)) >= 0 {
			return
		}
		doc := field.FromJSON(rawjson.Trim(text))
		envelope := compose.IsEnvelope(doc)
		var members [][]string
		doc.Names(func(path []string) { members = append(members, path) })
		for _, member := range members[:min(len(members), 100)] {
			name := compose.Spelling(member, envelope)
			if name == "" {
				reserved := envelope && len(member) == 1
				require.True(t, reserved || len(strings.Join(member, "")) > 100, "%q in %s", member, text)
				continue
			}
			require.Equal(t, doc.Walk(member), compose.LookUp(name, doc), "%s for %q in %s", name, member, text)
		}
	})
}
