package webhook_test

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/payload"
	"github.com/ringhook/webhook/testdata"
)

// A typed event, its JSON as a RawEvent and its JSON as a map are the same event: for
// all names in the JSON, in all places and with all filters, the result or the error
// is the same.
func TestCompose_SameInAllForms(t *testing.T) {
	t.Parallel()
	require.NotEmpty(t, testdata.Names())
	for i, name := range testdata.Names() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			typed, err := payload.Parse(testdata.Fixture(name))
			require.NoError(t, err)
			form := asJSONOnly(t, typed)
			members := mapEvent{}
			d := json.NewDecoder(bytes.NewReader(form.JSON))
			d.UseNumber()
			require.NoError(t, d.Decode(&members))

			gen := templateGen{
				rand:     rand.New(rand.NewPCG(3, uint64(i))),
				envelope: strings.Contains(string(form.JSON), `"payload":{`),
			}
			for _, v := range webhook.Variables(form) {
				if v.Name != "event" && sameText(t, v.Name, form, members) {
					gen.names = append(gen.names, v.Name)
				}
			}
			composed := 0
			const templates = 150
			for range templates {
				w := gen.webhook()
				c, err := webhook.Compile(w, form)
				require.NoError(t, err, "%+v", w)
				want, wantErr := c.ComposeID("m", form)
				if wantErr == nil {
					composed++
				}
				for _, e := range []webhook.Event{typed, members} {
					got, err := webhook.MustCompile(w, e).ComposeID("m", e)
					if wantErr != nil {
						require.EqualError(t, err, wantErr.Error(), "%T %+v", e, w)
						continue
					}
					require.NoError(t, err, "%T %+v", e, w)
					requireSameMessage(t, want, got, w)
				}
			}
			require.Greater(t, composed, templates/4)
			require.Less(t, composed, templates)
		})
	}
}

// sameText reports whether a name has the same text in a map, where the members of an
// object have another order.
func sameText(t *testing.T, name string, form, members webhook.Event) bool {
	w := webhook.Webhook{Body: "{{" + name + "}}"}
	a, b := compose(t, w, form).Body, compose(t, w, members).Body
	require.JSONEq(t, string(a), string(b))
	return bytes.Equal(a, b)
}

func requireSameMessage(t *testing.T, want, got *webhook.Message, w webhook.Webhook) {
	require.Equal(t, want.URL, got.URL, "%+v", w)
	if w.Format == webhook.FormatFormData && w.Method != "GET" { // the boundary is random
		require.Equal(t, formFields(t, want), formFields(t, got), "%+v", w)
		return
	}
	require.Equal(t, want.Header, got.Header, "%+v", w)
	require.Equal(t, string(want.Body), string(got.Body), "%+v", w)
}

// A templateGen makes random webhooks.
type templateGen struct {
	rand     *rand.Rand
	names    []string
	envelope bool // names without payload. are those of the payload, too
}

func (g *templateGen) webhook() webhook.Webhook {
	w := webhook.Webhook{
		URL:     "https://h/p-" + g.tag("") + "/q?a=" + g.tag("") + "&b=-" + g.tag(""),
		Headers: map[string]string{"X-A": "a " + g.tag("") + g.tag("")},
		Format:  pick(g.rand, webhook.FormatJSON, webhook.FormatFormData, webhook.FormatFormURLEncoded),
		Method:  pick(g.rand, "POST", "POST", "PUT", "GET"),
		Body:    `{"s":"` + g.tag(`\"`) + ` ` + g.tag(`'`) + `","b":` + g.tag(`"`) + `,"l":[` + g.tag("") + `,"` + g.tag(`\"`) + `"]}`,
	}
	// Most chains with filters for numbers or times fail on texts, and only the first
	// error shows.
	if g.rand.IntN(2) == 0 {
		w.URL = "https://h/" + g.tag("")
	}
	if g.rand.IntN(2) == 0 {
		w.Headers = nil
	}
	if g.rand.IntN(2) == 0 {
		w.Body = `{"a":` + g.tag(`"`) + `}`
	}
	return w
}

// tag returns a placeholder. Its texts are in the given quotes or, if empty, in any.
func (g *templateGen) tag(quote string) string {
	var b strings.Builder
	if g.rand.IntN(12) == 0 {
		b.WriteString(g.literal(quote))
	} else {
		b.WriteString(g.name())
	}
	for range pick(g.rand, 0, 0, 1, 1, 1, 2, 3) {
		b.WriteString(pick(g.rand, "|", " | "))
		b.WriteString(g.filter(quote))
	}
	return pick(g.rand, "{{", "@{{", "{{ ") + b.String() + "}}"
}

func (g *templateGen) name() string {
	name := pick(g.rand, g.names...)
	bare := strings.TrimPrefix(name, "payload.")
	reserved := name == "webhook_id" || name == "message_id" || name == "payload"
	switch {
	case g.rand.IntN(2) == 0 || reserved:
	case g.envelope:
		name = bare
	default:
		name = "payload." + name
	}
	parts := strings.Split(name, ".")
	name = parts[0]
	for _, part := range parts[1:] {
		switch _, err := strconv.Atoi(part); {
		case err != nil:
			name += "." + part
		case g.rand.IntN(2) == 0:
			name += "[" + part + "]"
		default:
			name += "." + pick(g.rand, part, part, "0", "1", "7")
		}
	}
	return name
}

func (g *templateGen) filter(quote string) string {
	number := func() string { return strconv.Itoa(g.rand.IntN(50) - 20) }
	count := func() string { return strconv.Itoa(g.rand.IntN(30)) }
	text := func() string { return g.text(quote) }
	if g.rand.IntN(6) == 0 {
		return pick(
			g.rand,
			pick(g.rand, "ceil", "floor", "round"),
			pick(g.rand, "plus:", "minus:", "times:")+number(),
			pick(g.rand, "divided_by:7", "divided_by:'-2.5'", "modulo:3", "round:2"),
			"date_format:"+pick(g.rand, "'d/m/Y'", "'H:i', 'Asia/Kolkata'", "'c'", "'U'"),
		)
	}
	return pick(
		g.rand,
		func() string {
			return pick(g.rand, "upcase", "downcase", "strip", "lstrip", "rstrip", "escape", "url_encode")
		},
		func() string { return pick(g.rand, "size", "first", "last", "join", "truncate") },
		func() string {
			return pick(g.rand, "append:", "prepend: ", "split:", "join :", "replace:'a', ") + text()
		},
		func() string { return "default: " + g.literal(quote) },
		func() string { return "slice:" + number() },
		func() string { return "slice: " + number() + ", " + count() },
		func() string { return "truncate:" + count() + "," + text() },
	)()
}

func (g *templateGen) literal(quote string) string {
	return pick(g.rand, "true", "false", "nil", "0", "-17", "12345", g.text(quote), g.text(quote))
}

func (g *templateGen) text(quote string) string {
	if quote == "" {
		quote = "'"
	}
	text := pick(g.rand, "", " ", "-", "x", "é☃", "{{", "@<<", "a,b|c:d", "</&?=#%>", "919019912345", "2021-04-09 16:27:39")
	return quote + text + quote
}

func pick[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }
