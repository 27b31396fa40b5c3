package webhook_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/payload"
	"github.com/ringhook/webhook/testdata"
)

// A typed event, its JSON as a RawEvent and its JSON as a map are the same event: for
// all names in the JSON, in all places, with all filters and under all conditions, the
// result or the error is the same.
func TestCompose_SameInAllForms(t *testing.T) {
	t.Parallel()
	bodies := map[string][]byte{}
	for _, name := range testdata.Names() {
		bodies[name] = testdata.Fixture(name)
	}
	files, err := filepath.Glob("payload/testdata/callbacks/[^m]*.json") // not the manifest
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		b, err := os.ReadFile(file)
		require.NoError(t, err)
		bodies[filepath.Base(file)] = b
	}
	for i, name := range slices.Sorted(maps.Keys(bodies)) {
		typed, err := payload.Parse(bodies[name])
		if err != nil {
			continue // a list
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			templates := 80
			if _, ok := typed.(*payload.Other); ok {
				templates = 20 // nearly the same as a RawEvent
			}
			requireSameInAllForms(t, typed, templates, rand.New(rand.NewPCG(3, uint64(i))))
		})
	}
}

func requireSameInAllForms(t *testing.T, typed payload.Event, templates int, r *rand.Rand) {
	form := asJSONOnly(t, typed)
	members := mapEvent{}
	d := json.NewDecoder(bytes.NewReader(form.JSON))
	d.UseNumber()
	require.NoError(t, d.Decode(&members))

	_, envelope := members["payload"].(map[string]any)
	gen := templateGen{rand: r, envelope: envelope}
	for _, v := range webhook.Variables(form) {
		if v.Name != "event" && sameText(t, v.Name, form, members) {
			gen.names = append(gen.names, v.Name)
		}
	}
	composed := 0
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
				require.Equal(t, errors.Is(wantErr, webhook.ErrUnwanted), errors.Is(err, webhook.ErrUnwanted))
				continue
			}
			require.NoError(t, err, "%T %+v", e, w)
			requireSameMessage(t, want, got, w)
		}
	}
	require.Greater(t, composed, templates/20)
	require.Less(t, composed, templates)
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
	if g.rand.IntN(4) == 0 {
		w.Body = `{"a": ` + g.optional() + `, "b":"` + g.optional() + `", "c":{"d":` + g.optional() + `}, "e":1}`
	}
	if g.rand.IntN(8) == 0 {
		w.URL = "https://h/?a=" + g.optional() + "&b=1"
		w.Headers = map[string]string{"X-A": g.optional()}
	}
	if g.rand.IntN(4) == 0 {
		w.When = g.condition()
	}
	w.FormLists = pick(g.rand, "", "", webhook.FormListsBrackets, webhook.FormListsRepeat)
	if g.rand.IntN(4) == 0 {
		g.otherFormat(&w)
	}
	return w
}

// otherFormat gives w a body that is neither JSON nor a form.
func (g *templateGen) otherFormat(w *webhook.Webhook) {
	w.Method = "POST"
	switch g.rand.IntN(4) {
	case 0:
		w.Format, w.Body = webhook.FormatNone, ""
	case 1:
		w.Format, w.Body = webhook.FormatText, "a "+g.tag("'")+"\n"+g.tag("'")+"."
	case 2:
		w.Format, w.Body = webhook.FormatText, g.tag("'")+","+g.tag("'")+",c"
		w.Headers = map[string]string{"Content-Type": "text/csv"}
	default:
		w.Format, w.Body = webhook.FormatXML, `<e a="`+g.tag("'")+`">`+g.tag("'")+`<b/></e>`
	}
}

// optional returns a placeholder that is left out if it has no value.
func (g *templateGen) optional() string {
	if g.rand.IntN(3) == 0 {
		return "{{" + g.name() + " | " + g.filter("'") + " | optional}}"
	}
	return "{{" + g.name() + " | optional}}"
}

// condition returns a condition of one to three comparisons.
func (g *templateGen) condition() string {
	operand := func() string { return pick(g.rand, g.name(), g.literal("'")) }
	condition := ""
	for i := range 1 + g.rand.IntN(3) {
		if i > 0 {
			condition += pick(g.rand, " and ", " or ", " or not ")
		}
		condition += g.name()
		switch g.rand.IntN(3) {
		case 0:
			condition += " in (" + operand() + ", " + operand() + ")"
		case 1:
			condition += " contains " + g.text("'")
		default:
			condition += pick(g.rand, " == ", " != ", " < ", " <= ", " > ", " >= ") + operand()
		}
	}
	return condition
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
	reserved := name == "webhook_id" || name == "message_id" || name == "payload" ||
		strings.HasPrefix(name, "payload.payload") // of which payload.x would be another x
	switch {
	case g.rand.IntN(2) == 0 || reserved:
	case g.envelope:
		name = bare
	case bare == name: // else a reserved name hides the member
		name = "payload." + name
	}
	if strings.Contains(name, "[") { // a member that has no other spelling
		return name
	}
	parts := strings.Split(name, ".")
	name = parts[0]
	for _, part := range parts[1:] {
		switch _, err := strconv.Atoi(part); {
		case err != nil:
			name += pick(g.rand, "."+part, "."+part, "['"+part+"']")
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
			pick(g.rand, "plus:", "minus:", "times:")+pick(g.rand, number(), g.name()),
			pick(g.rand, "divided_by:7", "divided_by:'-2.5'", "modulo:3", "round:2"),
			pick(g.rand, "abs", "at_least:"+number(), "at_most: "+number()),
			"date_format:"+pick(g.rand, "'d/m/Y'", "'H:i', 'Asia/Kolkata'", "'c'", "'U'"),
			"date: "+pick(g.rand, "'%d/%m/%Y'", "'%H:%M %z', 'Asia/Kolkata'", "'%s'"),
			pick(g.rand, "sum", "sum: 'name'", "map: 'name'", "map:'to' | compact", "base64_decode"),
		)
	}
	return pick(
		g.rand,
		func() string {
			return pick(g.rand, "upcase", "downcase", "strip", "lstrip", "rstrip", "escape", "url_encode")
		},
		func() string { return pick(g.rand, "size", "first", "last", "join", "truncate") },
		func() string { return pick(g.rand, "json", "sha256", "base64_encode", "strip_html", "remove:'a'") },
		func() string { return pick(g.rand, "split:'-' | uniq", "split: ' ' | compact | last") },
		func() string {
			return "translate: " + text() + ", " + pick(g.rand, g.literal(quote), g.name()) + ", 'read', 1, 16, " + text() + pick(g.rand, "", " | default: 0")
		},
		func() string {
			return pick(g.rand, "append:", "prepend: ", "split:", "join :", "replace:'a', ") + text()
		},
		func() string { return pick(g.rand, "append:", "prepend: ") + g.name() },
		func() string { return "default: " + pick(g.rand, g.literal(quote), g.name()) },
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
