package webhook_test

import (
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/payload"
)

// The documented filters, on the documented events.
func TestCompose_FilterDocuments(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, url, body string
		event           webhook.Event
		want            string
	}{
		{"last ten digits", "https://h/?to=@{{to|slice:-10 }}", "", obdReport, "https://h/?to=8867131234"},
		{"last ten digits of text", "https://h/?to={{payload.to | slice: -10}}", "", whatsAppStatus, "https://h/?to=9019912345"},
		{"date of a time without zone", "https://h/?on={{start_at | date_format: 'd/m/Y'}}", "", obdReport, "https://h/?on=09%2F04%2F2021"},
		{"clock of a time without zone", "https://h/?at={{start_at|date_format:'H:i:s'}}", "", obdReport, "https://h/?at=16%3A27%3A39"},
		{"date of a time in UTC", "https://h/?at={{payload.read_at|date_format:'d/m/Y H:i'}}", "", whatsAppStatus, "https://h/?at=18%2F06%2F2021%2014%3A49"},
		{"default of a name that is there", "https://h/{{payload.recipient.user.first_name | default: 'there'}}", "", whatsAppText, "https://h/Zo%C3%AB"},
		{"default of an empty name", "https://h/{{recipient.user.middle_name | default: 'there'}}", "", whatsAppText, "https://h/there"},
		{"default of null", "https://h/{{recipient.user.last_name | default: 'there'}}", "", whatsAppText, "https://h/there"},
		{"default of an absent member", "https://h/{{recipient.user.first_name|default:'there'}}", "", payload.MessageIn{}, "https://h/there"},
		{"default of a number", "https://h/{{recipient.user.phone | default: 'none'}}", "", whatsAppText, "https://h/919019912345"},
		{"literal operand", "https://h/{{ 'foo' | append:'bar' }}", "", obdReport, "https://h/foobar"},
		{"chain", "https://h/{{status | downcase | append: '-' | append: 1 | truncate: 6, '' }}", "", obdReport, "https://h/answer"},
		{"bracket", "https://h/{{payload.channels[0].name | upcase}}", "", whatsAppText, "https://h/WHATSAPP"},
		{"dot", "https://h/{{payload.channels.0.name | upcase}}", "", whatsAppText, "https://h/WHATSAPP"},
		{"list", "https://h/{{recipient.user.attributes.tags | join: '+'}}", "", whatsAppText, "https://h/vip%2Bb2b"},
		{"exact cost", "", "[{{cost | times: 3}},{{cost|plus:'0.1'|round:2}}]", dialerCDR, "[0.045,0.12]"},
		{"number after floats", "", "[{{list_phonebook_id[1] | plus: 1}}]", dialerCDR, "[9007199254740994]"},
		{"whole and other division", "", "[{{billed_duration|divided_by:60}},{{billed_duration|divided_by:'60.0'|round:2}}]", dialerCDR, "[0,0.38]"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if tt.url != "" {
				require.Equal(t, tt.want, compose(t, webhook.Webhook{URL: tt.url}, tt.event).URL)
				return
			}
			require.Equal(t, tt.want, string(compose(t, webhook.Webhook{Body: tt.body}, tt.event).Body))
		})
	}
}

// A filter's result is escaped by its place, whatever characters it has.
func TestCompose_FilterPlaces(t *testing.T) {
	t.Parallel()
	e := raw(`{"s":"a b","n":5}`)
	tests := []struct {
		name, expression            string
		url, header, inString, bare string
		field                       string
		noURL                       bool
	}{
		{name: "slash and quotes", expression: `s|append:'/"&=?#'`, url: "a%20b%2F%22%26%3D%3F%23", header: `a b/"&=?#`, inString: `a b/\"&=?#`, bare: `"a b/\"&=?#"`, field: `a b/"&=?#`},
		{name: "other scripts", expression: `s|replace:' ','é☃'`, url: "a%C3%A9%E2%98%83b", header: "aé☃b", inString: "aé☃b", bare: `"aé☃b"`, field: "aé☃b"},
		{name: "number", expression: "n|plus:1", url: "6", header: "6", inString: "6", bare: "6", field: "6"},
		{name: "number of text", expression: "'1.50'|times:2", url: "3.0", header: "3.0", inString: "3.0", bare: "3.0", field: "3.0"},
		{name: "text of number", expression: "n|append:''", url: "5", header: "5", inString: "5", bare: `"5"`, field: "5"},
		{name: "list", expression: "s|split:' '", noURL: true, header: `["a","b"]`, inString: `[\"a\",\"b\"]`, bare: `["a","b"]`},
		{name: "boolean", expression: "s|slice:5|default:true", url: "true", header: "true", inString: "true", bare: "true", field: "true"},
		{name: "null", expression: "s|slice:5|first", bare: "null"},
		{name: "empty text", expression: "s|slice:5", bare: "null"},
		{name: "url_encode, which the place does anyway", expression: "s|url_encode", url: "a%20b", header: "a+b", inString: "a+b", bare: `"a+b"`, field: "a+b"},
		{name: "HTML", expression: "'<b>'|escape", url: "%26lt%3Bb%26gt%3B", header: "&lt;b&gt;", inString: "&lt;b&gt;", bare: `"&lt;b&gt;"`, field: "&lt;b&gt;"},
		{name: "literal text", expression: "'{{'", url: "%7B%7B", header: "{{", inString: "{{", bare: `"{{"`, field: "{{"},
		{name: "literal with tags", expression: "'{{a @<<b>>'", url: "%7B%7Ba%20%40%3C%3Cb%3E%3E", header: "{{a @<<b>>", inString: "{{a @<<b>>", bare: `"{{a @<<b>>"`, field: "{{a @<<b>>"},
		{name: "literal number", expression: "-07", url: "-7", header: "-7", inString: "-7", bare: "-7", field: "-7"},
		{name: "literal true", expression: "true", url: "true", header: "true", inString: "true", bare: "true", field: "true"},
		{name: "literal nil", expression: "nil", bare: "null"},
		{name: "literal empty text", expression: "''", bare: "null"},
		{name: "line break of the author", expression: "'a\nb'", url: "a%0Ab", inString: `a\nb`, bare: `"a\nb"`, field: "a\nb", header: "a b"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tag := "{{" + tt.expression + "}}"
			w := webhook.Webhook{
				Headers: map[string]string{"X": "<" + tag + ">"},
				Body:    `["<` + strings.ReplaceAll(tag, `"`, `\"`) + `>",` + tag + `]`,
			}
			m := compose(t, w, e)
			require.Equal(t, "<"+tt.header+">", m.Header.Get("X"))
			require.Equal(t, `["<`+tt.inString+`>",`+tt.bare+`]`, string(m.Body))

			w = webhook.Webhook{URL: "https://h/p-" + tag + "?q=" + tag}
			for _, format := range []webhook.Format{webhook.FormatFormURLEncoded, webhook.FormatFormData} {
				form := webhook.Webhook{Format: format, Body: `{"f":"<` + strings.ReplaceAll(tag, `"`, `\"`) + `>"}`}
				if !tt.noURL {
					require.Equal(t, [][2]string{{"f", "<" + tt.field + ">"}}, formFields(t, compose(t, form, e)))
					form.Method = "GET"
					require.Equal(t, [][2]string{{"f", "<" + tt.field + ">"}}, formFields(t, compose(t, form, e)))
				}
			}
			if tt.noURL {
				_, err := webhook.MustCompile(w).Compose(e)
				require.ErrorContains(t, err, "an object or a list is not allowed in a URL")
				return
			}
			require.Equal(t, "https://h/p-"+tt.url+"?q="+tt.url, compose(t, w, e).URL)
		})
	}
}

// Filters on values of every kind.
func TestCompose_FilterKinds(t *testing.T) {
	t.Parallel()
	e := raw(`{"o":{"k":[1,2],"e":{}},"l":["a",{"b":null},3],"n":-1.50,"s":"text","comma":"12,50","yes":true,"no":false,"nil":null,"empty":"","none":[]}`)
	tests := []struct{ expression, want string }{
		{"o|size", "2"},
		{"n|plus:comma", "11.0"},
		{"o|json", `"{\"k\":[1,2],\"e\":{}}"`},
		{"l|map:'b'|default:'none'", `"none"`},
		{"l|slice:1,1|map:'b'|compact|default:'none'", `"none"`},
		{"o.k|sum", "3"},
		{"o.k|uniq|join:'-'", `"1-2"`},
		{"s|translate:'text',1", "1"},
		{"s|translate:'other',1", "null"},
		{"s|translate:'other',1|default:'-'", `"-"`},
		{"nil|translate:nil,'none'", `"none"`},
		{"n|abs", "1.5"},
		{"n|translate:'-1.50',true", "true"},
		{"s|base64_decode|default:'-'", `"-"`},
		{"s|date:'%Y'|default:'-'", `"-"`},
		{"s|base64_encode", `"dGV4dA=="`},
		{"o|upcase", `"{\"K\":[1,2],\"E\":{}}"`},
		{"o|default:'x'", `{"k":[1,2],"e":{}}`},
		{"o.e|default:'x'", `"x"`},
		{"o.k|join:', '", `"1, 2"`},
		{"l|size", "3"},
		{"l|first", `"a"`},
		{"l|last|plus:1", "4"},
		{"l|slice:1,1", `[{"b":null}]`},
		{"l[1]|size", "1"},
		{"l[9]|default:'x'", `"x"`},
		{"l[9]|size", "0"},
		{"l|join", `"a {\"b\":null} 3"`},
		{"none|first", "null"},
		{"none|join", "null"},
		{"none|default:7", "7"},
		{"n|round", "-2"},
		{"n|slice:1", `"1.50"`},
		{"n|size", "5"},
		{"s|size", "4"},
		{"s|split:''|slice:-2|join:''", `"xt"`},
		{"yes|append:'!'", `"true!"`},
		{"no|default:true", "true"},
		{"nil|default:nil", "null"},
		{"nil|append:'x'", `"x"`},
		{"nil|plus:2", "2"},
		{"nil|date_format:'Y'", "null"},
		{"empty|plus:2", "2"},
		{"empty|upcase", "null"},
		{"empty|size", "0"},
		{"payload|size", "10"},
		{"event|upcase", `"TEST"`},
		{"webhook_id|prepend:'id-'", `"id-"`},
		{"message_id|slice:0,3", `"msg"`},
	}
	for _, tt := range tests {
		t.Run(tt.expression, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.want, string(compose(t, webhook.Webhook{Body: "{{" + tt.expression + "}}"}, e).Body))
		})
	}
	// Optional members that a typed event does not have.
	m := compose(t, webhook.Webhook{Body: `[{{read_at|default:'never'}},{{to|size}},{{from|slice:-10}}]`}, payload.MessageStatus{})
	require.Equal(t, `["never",0,null]`, string(m.Body))
}

func TestCompose_FilterNames(t *testing.T) {
	t.Parallel()
	c := webhook.MustCompile(webhook.Webhook{
		URL: "https://h/{{'x'}}/{{a[0].b|upcase}}", Headers: map[string]string{"X": "{{9}}{{c|append:'d'}}"},
		Body: `[{{a.0.b}},{{e|default:'f'}},{{nil}}]`,
	})
	require.Equal(t, []string{"a.0.b", "c", "e"}, c.Placeholders())
}

// A filter that fails on the values of an event is an error of that message.
func TestCompose_FilterErrors(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name        string
		webhook     webhook.Webhook
		field       string
		offset      int
		placeholder string
		err         string
	}{
		{"text to plus", webhook.Webhook{Body: `{"a":"{{a|plus:1}}"}`}, "body", 10, "a", "webhook: body: offset 10: plus: the value is not a number"},
		{"second filter", webhook.Webhook{URL: "https://h/?q={{ a | upcase | times: 2 | floor }}"}, "url", 29, "a", "webhook: url: offset 29: times: the value is not a number"},
		{"header", webhook.Webhook{Headers: map[string]string{"X": "é{{a|round}}"}}, "headers.X", 6, "a", "webhook: headers.X: offset 6: round: the value is not a number"},
		{"division of a text", webhook.Webhook{Body: `{{a|divided_by:3}}`}, "body", 4, "a", "webhook: body: offset 4: divided_by: the value is not a number"},
		{"modulo of a list", webhook.Webhook{Body: `{{l|modulo:3}}`}, "body", 4, "l", "webhook: body: offset 4: modulo: the value is not a number"},
		{"no time", webhook.Webhook{Body: `{{a|date_format:'Y'}}`}, "body", 4, "a", "webhook: body: offset 4: date_format: the value is not a time"},
		{"first of an object", webhook.Webhook{Body: `{{o|first}}`}, "body", 4, "o", "webhook: body: offset 4: first: the value is an object"},
		{"digits", webhook.Webhook{Body: `{{n|times:'99999999999999999999'}}`}, "body", 4, "n", "webhook: body: offset 4: times: the number has too many digits"},
		{"literal", webhook.Webhook{Body: `{{'hush'|minus:1}}`}, "body", 9, "", "webhook: body: offset 9: minus: the value is not a number"},
		{"form", webhook.Webhook{Format: "form-data", Body: `{"f":{{a|ceil}}}`}, "body", 9, "a", "webhook: body: offset 9: ceil: the value is not a number"},
		{"query", webhook.Webhook{Method: "GET", Body: `{"f":{{a|ceil}}}`}, "body", 9, "a", "webhook: body: offset 9: ceil: the value is not a number"},
		{"unknown name", webhook.Webhook{Body: `{{ b|upcase}}`}, "body", 3, "b", `webhook: body: offset 3: unknown name "b"`},
		{"list in a URL", webhook.Webhook{URL: "https://h/{{l|slice:0}}"}, "url", 10, "l", "webhook: url: offset 10: an object or a list is not allowed in a URL"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := tt.webhook
			if w.URL == "" {
				w.URL = "https://h/"
			}
			c := webhook.MustCompile(w)
			m, err := c.Compose(raw(`{"a":"hush","l":["hush"],"o":{"hush":"hush"},"n":1e60}`))
			require.Nil(t, m)
			require.EqualError(t, err, tt.err)
			require.NotErrorIs(t, err, webhook.ErrLimit)
			var te *webhook.TemplateError
			require.ErrorAs(t, err, &te)
			require.Equal(t, []any{tt.field, tt.offset, tt.placeholder}, []any{te.Field, te.Offset, te.Placeholder})
			for e := err; e != nil; e = errors.Unwrap(e) {
				require.NotContains(t, e.Error(), "hush")
			}
			if tt.placeholder != "" { // the next event composes
				_, err = c.Compose(raw(`{"a":1617985659,"b":1,"l":5,"o":[5],"n":1}`))
				require.NoError(t, err)
			}
		})
	}
}

// Behind a filter that fails, the chain goes on with its next default. A limit is an error
// all the same.
func TestCompose_DefaultCatches(t *testing.T) {
	t.Parallel()
	e := raw(`{"a":"tomorrow","n":"12,345","o":{"x":1},"l":[1],"zero":null,"big":"` + strings.Repeat("x", 1<<19) + `"}`)
	tests := []struct{ name, expression, want, err string }{
		{"date", "a | date_format: 'd/m/Y' | default: 'none'", `"none"`, ""},
		{"number", "n | times: 100 | default: 0", "0", ""},
		{"first of an object", "o | first | default: 'x'", `"x"`, ""},
		{"too many digits", "1 | times: '" + strings.Repeat("9", 64) + "' | times: 10 | default: 'much'", `"much"`, ""},
		{"filters between are skipped", "a | plus: 1 | append: '!' | default: 2 | plus: 3", "5", ""},
		{"a failure after the default", "a | default: 'x' | plus: 1", "", "body: offset 21: plus: the value is not a number"},
		{"the default fails in the next filter", "a | plus: 1 | default: 'x' | plus: 1", "", "body: offset 31: plus: the value is not a number"},
		{"two defaults", "a | plus: 1 | default: 'x' | times: 2 | default: 'y'", `"y"`, ""},
		{"default to nil", "a | plus: 1 | default: nil", "null", ""},
		{"a value that can be read", "'2021-04-09' | date_format: 'Y' | default: 'none'", `"2021"`, ""},
		{"no value", "zero | date_format: 'Y' | default: 'none'", `"none"`, ""},
		{"literal", "'x' | round | default: 7", "7", ""},
		{"limit", "big | replace: 'x', 'xxx' | default: 'short'", "", "body: offset 8: replace: the result is longer than 1048576 bytes: over the limit"},
		{
			"work", "big" + strings.Repeat(" | upcase", 20) + " | default: 'short'", "",
			"body: offset 80: all filters together read and write more than 8388608 bytes: over the limit",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m, err := webhook.MustCompile(webhook.Webhook{URL: "https://h/", Body: "{{" + tt.expression + "}}"}, e).Compose(e)
			if tt.err != "" {
				require.EqualError(t, err, "webhook: "+tt.err)
				return
			}
			require.NoError(t, err)
			require.Equal(t, tt.want, string(m.Body))
		})
	}
}

// Errors of filters are found when the webhook is saved, with their place.
func TestCompile_FiltersRefused(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, body  string
		offset      int
		placeholder string
		err         string
	}{
		{"unknown", `{{a|upcas}}`, 4, "a", `unknown filter "upcas"; did you mean "upcase"?`},
		{"name of another language", `{{a|trim}}`, 4, "a", `unknown filter "trim"; did you mean "strip"?`},
		{"nothing near", `{{a|xylophone}}`, 4, "a", `unknown filter "xylophone"`},
		{"letter case", `{{a|Slice:1}}`, 4, "a", `unknown filter "Slice"; did you mean "slice"?`},
		{"on a literal", `{{'a'|upcas}}`, 6, "", `unknown filter "upcas"; did you mean "upcase"?`},
		{"none of one", `{{a|append}}`, 4, "a", "append takes 1 argument, not 0"},
		{"one of none", `{{a|upcase:'x'}}`, 11, "a", "upcase takes no argument, not 1"},
		{"three of two", `{{a|slice: 1,2, 3}}`, 16, "a", "slice takes 1 or 2 arguments, not 3"},
		{"two of one", `{{a|plus:1,2}}`, 11, "a", "plus takes 1 argument, not 2"},
		{"text for a number", `{{a|slice:'x'}}`, 10, "a", "slice: argument 1 is a text, want a whole number"},
		{"second argument", `{{a|slice:0,'x'}}`, 12, "a", "slice: argument 2 is a text, want a whole number"},
		{"negative length", `{{a|slice:0, -1}}`, 13, "a", "slice: argument 2 is out of range"},
		{"nil for a text", `{{a|append:nil}}`, 11, "a", "append: argument 1 is nil, want a text"},
		{"no number", `{{a|plus:'x'}}`, 9, "a", "plus: argument 1 is a text, want a number"},
		{"boolean for a number", `{{a|plus:true}}`, 9, "a", "plus: argument 1 is true or false, want a number"},
		{"zero", `{{a|divided_by:0}}`, 15, "a", "divided_by: argument 1 is zero"},
		{"zero text", `{{a|divided_by: '0.00'}}`, 16, "a", "divided_by: argument 1 is zero"},
		{"modulo zero", `{{a|modulo:-0}}`, 11, "a", "modulo: argument 1 is zero"},
		{"empty pattern", `{{a|replace:'','x'}}`, 12, "a", "replace: argument 1 is empty"},
		{"pattern to remove", `{{a|remove: nil}}`, 12, "a", "remove: argument 1 is nil, want a text"},
		{"half a pair", `{{a|translate: 'x', 1, 'y'}}`, 4, "a", "translate takes pairs of arguments, a value and what replaces it, not 3"},
		{"the same pair", `{{a|translate: 'x', 1, 'x', 2}}`, 23, "a", "translate: argument 3 is listed before"},
		{"member", `{{a|map: ''}}`, 9, "a", "map: argument 1 is empty"},
		{"habit", `{{a|to_json}}`, 4, "a", `unknown filter "to_json"; did you mean "json"?`},
		{"needless", `{{a|safe}}`, 4, "a", `unknown filter "safe"; no filter is needed: the place decides how a value is escaped`},
		{"directive", `{{a|date: '%Q'}}`, 10, "a", "date: argument 1 has %Q, which has no meaning; to keep a % write %%"},
		{"date letter", `{{a|date_format:'x'}}`, 16, "a", `date_format: argument 1 has the letter x, which is not a date letter; to keep it write \x`},
		{"zone", `{{a|date_format:'Y','Mars/Base'}}`, 20, "a", "date_format: argument 2 is not a known time zone, such as 'Asia/Kolkata' or 'UTC'"},
		{"second filter", `{{a|upcase|append:'x'|plus}}`, 22, "a", "plus takes 1 argument, not 0"},
		{"malformed before unknown", `{{a|upcas:}}`, 10, "", "expected a text in quotes, a whole number, true, false, nil or a name, found the end of the tag"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for _, w := range []webhook.Webhook{
				{URL: "https://h/", Body: tt.body}, {URL: "https://h/" + tt.body}, {URL: "https://h/", Headers: map[string]string{"X": "yz" + tt.body}},
			} {
				_, err := webhook.Compile(w)
				var te *webhook.TemplateError
				require.ErrorAs(t, err, &te)
				offset := tt.offset + map[string]int{
					"body": 0, "url": len("https://h/"), "headers.X": len("yz"),
				}[te.Field]
				require.EqualError(t, te.Err, tt.err)
				require.Equal(t, []any{offset, tt.placeholder}, []any{te.Offset, te.Placeholder})
				require.Equal(t, err.Error(), "webhook: "+te.Field+": offset "+strconv.Itoa(offset)+": "+tt.err)
			}
		})
	}
}

// A default in a header may be a credential, and so may the text around it.
func TestTemplateError_FilterDetailTexts(t *testing.T) {
	t.Parallel()
	var te *webhook.TemplateError
	_, err := webhook.Compile(webhook.Webhook{
		URL:     "https://h/",
		Headers: map[string]string{"A": `@<<'s3"c' | append: "s'c"|upcas>> {{'s3c | upcase}}`},
	})
	require.ErrorAs(t, err, &te)
	require.Equal(t, "webhook: headers.A: offset 36: a text in quotes is not closed by '\n"+
		`@<<'****' | append: "***"|upcas>> {{'*** * ******}}`+"\n"+strings.Repeat(" ", 36)+"^", te.Detail())
}

func TestTemplateError_FilterDetail(t *testing.T) {
	t.Parallel()
	c := webhook.MustCompile(webhook.Webhook{
		URL: "https://h/", Headers: map[string]string{"Authorization": "Bearer sk {{ a | plus: 1 }}"},
	})
	_, err := c.Compose(raw(`{"a":"hush"}`))
	var te *webhook.TemplateError
	require.ErrorAs(t, err, &te)
	require.Equal(t, "webhook: headers.Authorization: offset 17: plus: the value is not a number\n"+
		"****** ** {{ a | plus: 1 }}\n"+
		"                 ^", te.Detail())
	_, err = webhook.Compile(webhook.Webhook{URL: "https://h/", Body: "{\n \"a\": {{a | slice: 'x'}}\n}"})
	require.ErrorAs(t, err, &te)
	require.Equal(t, "webhook: body: offset 21: slice: argument 1 is a text, want a whole number\n \"a\": {{a | slice: 'x'}}\n                   ^", te.Detail())
	_, err = webhook.Compile(webhook.Webhook{URL: "https://h/?key=sk&x={{a | append: 'y' | upcas}}"})
	require.ErrorAs(t, err, &te)
	require.Equal(t, "webhook: url: offset 40: unknown filter \"upcas\"; did you mean \"upcase\"?\n"+
		"https://h/?key=**&x={{a | append: '*' | upcas}}\n                                        ^", te.Detail())
	_, err = webhook.Compile(webhook.Webhook{
		URL:     "https://h/",
		Headers: map[string]string{"X": `k @<<a|default:"it's me"|append:'sk 1'>>{{b[}}{{'sk}}`},
	})
	require.ErrorAs(t, err, &te)
	require.Equal(t, "webhook: headers.X: offset 43: a [ is not closed by ]\n"+
		`* @<<a|default:"**** **"|append:'** *'>>{{b[}}{{'**}}`+"\n"+strings.Repeat(" ", 43)+"^", te.Detail())
}
