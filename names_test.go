package webhook_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
)

type (
	// reservedMember has a member whose name is reserved.
	reservedMember struct {
		Event []int `json:"event"`
	}
	// twoPlaces has a member at the top and an object payload.
	twoPlaces struct {
		X       string `json:"x"`
		Payload struct {
			Y string `json:"y"`
		} `json:"payload"`
	}
	// pointerPayload is an envelope, also while its payload is nil.
	pointerPayload struct {
		X       string          `json:"x"`
		W       string          `json:"w"`
		Payload *pointedPayload `json:"payload"`
	}
	pointedPayload struct {
		X string `json:"x"`
		Y string `json:"y"`
	}
	// freePayload is an envelope or not, depending on its value.
	freePayload struct {
		X       string         `json:"x"`
		Payload map[string]any `json:"payload"`
	}
)

func (reservedMember) EventType() string { return "t" }
func (twoPlaces) EventType() string      { return "t" }
func (freePayload) EventType() string    { return "t" }
func (pointerPayload) EventType() string { return "t" }

// Compile, Check and Compose agree on which member a name means, for an event as a Go
// type and as JSON.
func TestNames_OneRule(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, body string
		event      webhook.Event
		want       string   // composed; empty if it does not compile
		problems   []string // messages
	}{
		{
			"a reserved name before a member", `{"a": "{{event}}", "b": {{event}}}`,
			reservedMember{},
			`{"a": "t", "b": "t"}`,
			[]string{
				"event is the type of the event; the event's own is payload.event",
				"event is a text: outside quotes, it is sent with quotes of its own",
				"event is the type of the event; the event's own is payload.event",
			},
		},
		{
			"the member below a reserved name", `[{{payload.event}}]`, reservedMember{Event: []int{1}}, `[[1]]`, nil,
		},
		{
			"payload.x is no member of the top", `{"a": {{payload.x}} }`,
			twoPlaces{},
			"",
			[]string{`unknown name "payload.x"; did you mean "payload.y"?`},
		},
		{"x is the top's", `["{{x}}"]`, twoPlaces{X: "1"}, `["1"]`, nil},
		{"y is payload's", `["{{y}}"]`, twoPlaces{}, `[""]`, nil},
		{"the whole payload of an envelope", `{{payload}}`, freePayload{"1", map[string]any{"y": 2}}, `{"y":2}`, nil},
		{"the whole event", `{{payload}}`, freePayload{X: "1"}, `{"x":"1","payload":null}`, nil},
		{
			"payload.x of no envelope", `{"a": {{payload.x}} }`,
			freePayload{X: "1"},
			`{"a": "1" }`,
			[]string{"payload.x is a text: outside quotes, it is sent with quotes of its own"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for _, e := range []webhook.Event{tt.event, asJSONOnly(t, tt.event)} {
				w := webhook.Webhook{URL: "https://h.test/", Body: tt.body}
				var messages []string
				for _, p := range webhook.Check(w, e) {
					messages = append(messages, p.Message)
				}
				require.Equal(t, tt.problems, messages, "%T", e)
				c, err := webhook.Compile(w, e)
				if tt.want == "" {
					require.Error(t, err)
					continue
				}
				require.NoError(t, err)
				m, err := c.Compose(e)
				require.NoError(t, err)
				require.Equal(t, tt.want, string(m.Body), "%T", e)
			}
		})
	}
	t.Run("a reserved name in a URL", func(t *testing.T) {
		t.Parallel()
		w := webhook.Webhook{URL: "https://h.test/?e={{event}}"}
		require.Len(t, webhook.Check(w, reservedMember{}), 1)
		require.Equal(t, "https://h.test/?e=t", compose(t, w, reservedMember{}).URL)
	})
	t.Run("the whole event in a URL", func(t *testing.T) {
		t.Parallel()
		w := webhook.Webhook{URL: "https://h.test/?e={{payload}}"}
		problems := webhook.Check(w, plainEvent{})
		require.Len(t, problems, 1)
		require.Contains(t, problems[0].Message, "payload is an object, which is not allowed in a URL")
	})
}

// The Go type of an event says that it is an envelope, whether a sample has a payload or
// not: zero values will do as samples.
func TestNames_NilPayload(t *testing.T) {
	t.Parallel()
	in := &pointedPayload{X: "in", Y: "y"}
	for _, sample := range []pointerPayload{{}, {Payload: in}, {X: "top", W: "w"}} {
		w := webhook.Webhook{URL: "https://h.test/", Body: `["{{payload.w}}"]`}
		problems := webhook.Check(w, sample)
		require.Len(t, problems, 1)
		require.Contains(t, problems[0].Message, `unknown name "payload.w"`)
		require.NotEqual(t, "payload.w", problems[0].Suggestion)

		w.Body = `["{{x}}", "{{w}}", "{{payload.x}}", "{{y}}", "{{payload.y}}"]`
		require.Empty(t, webhook.Check(w, sample))
		c := webhook.MustCompile(w, sample)
		for _, tt := range []struct {
			event pointerPayload
			want  string
		}{
			{pointerPayload{X: "top", W: "w", Payload: in}, `["top", "w", "in", "y", "y"]`},
			{pointerPayload{X: "top", W: "w"}, `["top", "w", "", "", ""]`},
		} {
			m, err := c.Compose(tt.event)
			require.NoError(t, err)
			require.Equal(t, tt.want, string(m.Body))
		}
	}
	for _, v := range webhook.Variables(pointerPayload{X: "top"}) {
		if v.Name == "payload.x" {
			require.Empty(t, v.Example)
		}
	}
}

// What is suggested compiles.
func TestNames_Suggestions(t *testing.T) {
	t.Parallel()
	events := []webhook.Event{
		reservedMember{},
		twoPlaces{},
		pointerPayload{},
		freePayload{},
		freePayload{Payload: map[string]any{"payload": 1, "eventt": 2}},
		raw(`{"payload":{"payload":{"yyyy":1}}}`), raw(`{"payload":[1],"eventy":1}`), raw(`{"yyyy":1,"payload":"x"}`),
	}
	for _, name := range []string{
		"payload.w", "payload.yyy", "payload.payload.yyy", "evenT", "eventy", "payload.eventT", "payloa", "payload.payloa", "yyy", "X",
	} {
		for _, e := range events {
			w := webhook.Webhook{URL: "https://h.test/", Body: `["{{` + name + `}}"]`}
			for _, p := range webhook.Check(w, e) {
				if p.Suggestion != "" {
					w.Body = `["{{` + p.Suggestion + `}}"]`
					_, err := webhook.Compile(w, e)
					require.NoError(t, err, "%T: %s for %s", e, p.Suggestion, name)
				}
			}
		}
	}
}
