package webhook_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/payload"
)

// Names may be arguments that are values.
func TestCompose_NamesAsArguments(t *testing.T) {
	t.Parallel()
	e := raw(`{"a":"x","empty":"","zero":null,"n":5,"f":"2.5","o":{"k y":"v","l":[1]},"d":0,"big":"` + strings.Repeat("b", 600<<10) + `"}`)
	tests := []struct{ name, expression, want, err string }{
		{"default", "empty | default: a", `"x"`, ""},
		{"default that is not needed", "a | default: n", `"x"`, ""},
		{"default of a number keeps its kind", "zero | default: n", "5", ""},
		{"default of an object", "zero | default: o", `{"k y":"v","l":[1]}`, ""},
		{"default of nothing", "zero | default: empty | default: 'none'", `"none"`, ""},
		{"default of null", "empty | default: zero", "null", ""},
		{"brackets", "zero | default: o['k y']", `"v"`, ""},
		{"index", "zero | default: o.l[0]", "1", ""},
		{"append", "a | append: n | append: '-' | append: a", `"x5-x"`, ""},
		{"append null", "a | append: zero", `"x"`, ""},
		{"append an object", "a | append: o.l", `"x[1]"`, ""},
		{"prepend", "'y' | prepend: a", `"xy"`, ""},
		{"plus", "n | plus: f", "7.5", ""},
		{"plus nothing", "n | plus: zero | plus: empty", "5", ""},
		{"divided by", "n | divided_by: f", "2.0", ""},
		{"translate's result", "a | translate: 'x', n, 'y', zero", "5", ""},
		{"replace by", "'a-b' | replace: '-', n", `"a5b"`, ""},
		{"message", "zero | default: message_id | size", "1", ""},
		{"text to plus", "n | plus: a", "", "body: offset 6: plus: argument 1 is a text, want a number"},
		{"zero to divide by", "n | divided_by: d", "", "body: offset 6: divided_by: argument 1 is zero"},
		{"caught", "n | divided_by: zero | default: 'none'", `"none"`, ""},
		{"limit", "big | append: big | default: 'x'", "", "body: offset 8: append: the result is longer than 1048576 bytes: over the limit"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for _, samples := range [][]webhook.Event{nil, {e}} {
				c, err := webhook.Compile(webhook.Webhook{URL: "https://h/", Body: "{{" + tt.expression + "}}"}, samples...)
				require.NoError(t, err)
				m, err := c.ComposeID("m", e)
				if tt.err != "" {
					require.EqualError(t, err, "webhook: "+tt.err)
					continue
				}
				require.NoError(t, err)
				require.Equal(t, tt.want, string(m.Body))
			}
		})
	}
	t.Run("of a typed event", func(t *testing.T) {
		t.Parallel()
		m := compose(t, webhook.Webhook{URL: "https://h/{{hangup_by | default: from | append: to}}"}, payload.CallReport{
			From: payload.PhoneString("1"), To: payload.PhoneString("2"),
		})
		require.Equal(t, "https://h/12", m.URL)
	})
	c := webhook.MustCompile(webhook.Webhook{URL: "https://h/{{a | default: b}}?x={{b | append: c.d}}"})
	require.Equal(t, []string{"a", "b", "c.d"}, c.Placeholders())
}

// Names that are arguments are checked like all others.
func TestCheck_NamesAsArguments(t *testing.T) {
	t.Parallel()
	e := raw(`{"from":"1","to":"2","list":[1]}`)
	for _, tt := range []struct{ body, at, message, suggestion string }{
		{"{{from | default: too}}", "too", `unknown name "too"; did you mean "to"?`, "to"},
		{"{{from | append: to | append: answered}}", "answered", `unknown name "answered"; a text is written in quotes`, "'answered'"},
		{"{{from | slice: to}}", "to", "slice: argument 1 is a name, want a fixed value", ""},
		{"{{from | slice: 0, to}}", "to", "slice: argument 2 is a name, want a fixed value", ""},
		{"{{from | replace: to, ''}}", "to", "replace: argument 1 is a name, want a fixed value", ""},
		{"{{from | split: to}}", "to", "split: argument 1 is a name, want a fixed value", ""},
		{"{{from | date_format: to}}", "to", "date_format: argument 1 is a name, want a fixed value", ""},
		{"{{from | date_format: d/m/Y}}", "d/m/Y", "date_format: argument 1 is a name, want a fixed value", "'d/m/Y'"},
		{"{{from | date_format: 'd', to}}", "to", "date_format: argument 2 is a name, want a fixed value", ""},
		{"{{from | round: to}}", "to", "round: argument 1 is a name, want a fixed value", ""},
		{"{{from | truncate: to}}", "to", "truncate: argument 1 is a name, want a fixed value", ""},
		{"{{from | translate: to, 'x'}}", "to", "translate: argument 1 is a name, want a fixed value", ""},
		{"{{list | map: to}}", "to", "map: argument 1 is a name, want a fixed value", ""},
		{"{{from | upcase: to}}", "to", "upcase takes no argument, not 1", ""},
	} {
		problems := webhook.Check(webhook.Webhook{URL: "https://h/", Body: tt.body}, e)
		problems = onlyErrors(problems)
		require.Len(t, problems, 1, tt.body)
		p := problems[0]
		require.Equal(t, tt.message, p.Message)
		require.Equal(t, tt.suggestion, p.Suggestion, tt.body)
		require.Equal(t, tt.at, tt.body[p.Offset:p.Offset+p.Length], tt.body)
	}
	_, err := webhook.Compile(webhook.Webhook{URL: "https://h/", Body: "{{a" + strings.Repeat(" | translate: "+strings.Repeat("'k', b, ", 20)+"'z', b", 25) + "}}"})
	require.ErrorIs(t, err, webhook.ErrLimit)
}

// One webhook may serve several kinds of events: a name that only another kind has is nil
// where a default follows.
func TestCompose_KindsOfEvents(t *testing.T) {
	t.Parallel()
	status := payload.MessageStatus{Event: "whatsapp:message:status", ID: "1", To: payload.PhoneString("91"), Status: "sent"}
	in := payload.MessageIn{Event: "whatsapp:message:in", ID: "2", Recipient: payload.Recipient{From: payload.PhoneString("92")}}
	odd := webhook.RawEvent{Type: "odd", JSON: []byte(`{"payload":{"sender":"93"}}`)}
	samples := []webhook.Event{payload.MessageStatus{}, payload.MessageIn{}, odd}
	tests := []struct {
		name, tag string
		want      [3]string // the results; none if the name is unknown there
		warnings  []string
	}{
		{"known to all", "event", [3]string{"whatsapp:message:status", "whatsapp:message:in", "odd"}, nil},
		{"a default follows", "payload.mobile | default: '-'", [3]string{"91", "-", "-"}, nil},
		{"of a raw event", "payload.sender | default: '-'", [3]string{"-", "-", "93"}, nil},
		{"a filter and a default", "payload.mobile | slice: -1 | default: '-'", [3]string{"1", "-", "-"}, nil},
		{"one name or another", "payload.mobile | default: payload.recipient.from | default: payload.sender", [3]string{"91", "92", "93"}, nil},
		{
			"one of two names", "payload.mobile | default: payload.recipient.from",
			[3]string{"91", "92"},
			[]string{"payload.recipient.from is no name of odd"},
		},
		{
			"no default", "payload.mobile",
			[3]string{"91"},
			[]string{"payload.mobile is no name of whatsapp:message:in", "payload.mobile is no name of odd"},
		},
		{
			"an argument without a default", "event | append: payload.mobile",
			[3]string{"whatsapp:message:status91"},
			[]string{"payload.mobile is no name of whatsapp:message:in", "payload.mobile is no name of odd"},
		},
		{
			"a default before the argument", "nil | default: event | append: payload.mobile",
			[3]string{"whatsapp:message:status91"},
			[]string{"payload.mobile is no name of whatsapp:message:in", "payload.mobile is no name of odd"},
		},
		{
			"a default behind the argument", "event | append: payload.mobile | default: '-'",
			[3]string{"whatsapp:message:status91", "whatsapp:message:in", "odd"},
			nil,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := webhook.Webhook{URL: "https://h/", Body: `"{{` + tt.tag + `}}"`}
			var warnings []string
			for _, p := range webhook.Check(w, samples...) {
				require.Equal(t, webhook.SeverityWarning, p.Severity)
				warning, ok := strings.CutSuffix(p.Message, ": such events will not be sent; a default can replace it")
				require.True(t, ok)
				require.True(t, strings.HasPrefix(warning, w.Body[p.Offset:p.Offset+p.Length]))
				warnings = append(warnings, warning)
			}
			require.Equal(t, tt.warnings, warnings)
			c, err := webhook.Compile(w, samples...)
			require.NoError(t, err)
			for i, e := range []webhook.Event{status, &in, odd} {
				m, err := c.Compose(e)
				if tt.want[i] == "" {
					require.ErrorIs(t, err, webhook.ErrUnknownName, "%T", e)
					continue
				}
				require.NoError(t, err, "%T", e)
				require.Equal(t, `"`+tt.want[i]+`"`, string(m.Body), "%T", e)
			}
		})
	}
	t.Run("two names without a default", func(t *testing.T) {
		t.Parallel()
		body := `"{{payload.mobile}}{{payload.sender}}{{payload.channels | default: ''}}"`
		problems := webhook.Check(webhook.Webhook{URL: "https://h/", Body: body}, samples...)
		require.Len(t, onlyErrors(problems), 1, "no kind knows both")
		require.Equal(t, `unknown name "payload.sender"`, problems[0].Message)
	})
	t.Run("unknown to all", func(t *testing.T) {
		t.Parallel()
		problems := webhook.Check(webhook.Webhook{URL: "https://h/", Body: `"{{payload.mobil | default: 'x'}}"`}, samples...)
		require.Len(t, problems, 1)
		require.Equal(t, `unknown name "payload.mobil"; did you mean "payload.mobile"?`, problems[0].Message)
	})
	t.Run("kinds that a condition refuses", func(t *testing.T) {
		t.Parallel()
		for when, warnings := range map[string]int{
			"event == 'whatsapp:message:status'": 0, "event != 'odd'": 1, "not (event == 'odd')": 1, "status == 'sent'": 2,
			"event == 'odd' or event in ('whatsapp:message:in')": 2, "event in ('whatsapp:message:status', 'x') and status != 'read'": 0,
			"event contains 'status'": 2, "event == status": 2, "'odd' != event and 1 > 2": 2, // that it never holds, for 1 > 2
		} {
			w := webhook.Webhook{URL: "https://h/", Body: `"{{payload.mobile}}"`, When: when}
			require.Len(t, webhook.Check(w, samples...), warnings, when)
		}
	})
}

// An event without a Go type may have any name: where it has not, and there is no sample
// of its kind, what stands for the name is sent, and a name without a default is an error.
func TestCompose_DefaultOfRawEvents(t *testing.T) {
	t.Parallel()
	events := map[string]webhook.Event{
		"raw": webhook.RawEvent{Type: "call.ended", JSON: []byte(`{"b": "x"}`)},
		"map": mapEvent{"b": "x"},
	}
	for name, event := range events {
		for template, want := range map[string]string{
			`{"m": {{a | default: 0}}}`:                `{"m": 0}`,
			`{"m": "{{a.c | upcase | default: b}}"}`:   `{"m": "x"}`,
			`{"m": "{{a | default: c | default: 1}}"}`: `{"m": "1"}`,
			`{"m": {{a | optional}}}`:                  `{}`,
		} {
			m, err := webhook.MustCompile(webhook.Webhook{URL: "https://h", Body: template}).Compose(event)
			require.NoError(t, err, "%s %s", name, template)
			require.Equal(t, want, string(m.Body), name)
		}
		for _, w := range []webhook.Webhook{
			{URL: "https://h", Body: `{"m": {{a}}}`},
			{URL: "https://h", Body: `{"m": {{a | plus: 1}}}`},
			{URL: "https://h", Body: `{"m": {{b | append: a}}}`},
			{URL: "https://h", When: "a == 1"},
		} {
			_, err := webhook.MustCompile(w).Compose(event)
			require.ErrorIs(t, err, webhook.ErrUnknownName, "%s %s%s", name, w.Body, w.When)
		}
	}
	// A sample of its kind tells which names there are.
	_, err := webhook.Compile(webhook.Webhook{URL: "https://h", Body: `{"m": {{a | default: 0}}}`}, events["raw"])
	require.ErrorIs(t, err, webhook.ErrUnknownName)
}
