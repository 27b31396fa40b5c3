package webhook_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/payload"
)

func whenOf(when string) webhook.Webhook {
	return webhook.Webhook{ID: "w", URL: "https://receiver.example/", When: when}
}

func TestWhen(t *testing.T) {
	t.Parallel()
	event := webhook.RawEvent{Type: "call", JSON: []byte(`{
		"status": "COMPLETED", "duration": 42, "cost": "1.50", "code": "007", "big": 10, "less": 9, "none": null, "empty": "",
		"yes": true, "tags": ["vip", 5, null], "in": 1, "a": {"b": "x", "c d": "y"}, "quote": "it's", "text": "12,50", "name": "Zoë"
	}`)}
	for _, tt := range []struct {
		when string
		want bool
	}{
		{"", true},
		{" \n", true},
		{"status == 'COMPLETED'", true},
		{`status == "COMPLETED"`, true},
		{"status == 'completed'", false},
		{"status != 'COMPLETED'", false},
		{"payload.status=='COMPLETED'", true},
		{"status == 'COMPLETED' and duration > 0", true},
		{"status == 'COMPLETED' and duration > 42", false},
		{"duration >= 42 and duration <= 42", true},
		{"duration < 42 or duration == 42.0", true},
		{"not duration < 42", true},
		{"not (duration < 42)", true},
		{"not not status == 'COMPLETED'", true},
		{"not status == 'x' and duration == 42", true},
		{"status == 'x' and status == 'y' or duration == 42", true},
		{"status == 'x' and (status == 'y' or duration == 42)", false},
		{"duration == 42 or status == 'x' and status == 'y'", true},
		{"status in ('BUSY', 'COMPLETED')", true},
		{"status in ('BUSY')", false},
		{"duration in ('42')", true},
		{"cost in (1.5, 2)", true},
		{"cost == 1.5", true},
		{"cost == '1.5'", false},
		{"cost > 1", true},
		{"-1 < cost", true},
		{"code == 7", true},
		{"code == '7'", false},
		{"big > less", true},
		{"big == 10", true},
		{"status > 5", false},
		{"status < 5", false},
		{"status != 5", true},
		{"text > 12", false},
		{"none == nil", true},
		{"none != nil", false},
		{"status == nil", false},
		{"status != nil", true},
		{"empty == nil", false},
		{"empty == ''", true},
		{"none == ''", false},
		{"none < 5", false},
		{"none >= 0", false},
		{"none in ('a', nil)", false},
		{"yes == true", true},
		{"yes != false", true},
		{"tags contains 'vip'", true},
		{"tags contains 5", true},
		{"tags contains 'vi'", false},
		{"tags contains nil", false},
		{"'vip' in tags", true},
		{"'x' in tags", false},
		{"status contains 'PLE'", true},
		{"'PLE' in status", true},
		{"a contains 'b'", true},
		{"a contains 'x'", false},
		{"a.b == 'x'", true},
		{"tags[1] == 5", true},
		{"tags.1 == 5", true},
		{"event == 'call'", true},
		{"webhook_id == 'w'", true},
		{`quote == "it's"`, true},
		{"name == 'Zoë'", true},
		{"status in (status)", true},
		{"'a' == 'a'", true},
		{"999999999999999999 > duration", true},
	} {
		c, err := webhook.Compile(whenOf(tt.when))
		require.NoError(t, err, tt.when)
		m, err := c.Compose(event)
		if tt.want {
			require.NoError(t, err, tt.when)
			require.NoError(t, m.Check())
			continue
		}
		require.Equal(t, webhook.ErrUnwanted, err, tt.when)
		require.Nil(t, m)
	}
}

// Words that are operators elsewhere are names where a name stands, and what stands in
// quotes or brackets may be anything.
func TestWhen_Names(t *testing.T) {
	t.Parallel()
	event := raw(`{"is":"x","not like":1,"like":["a"],"a b":["x"],"text":"x,y"}`)
	for _, when := range []string{
		"is == 'x'", "['not like'] == 1", "'a' in like", "is in ['a b']", "is in text", "text contains is", "is in ('x', 'y')", "is == '{x}' or is == 'x'",
	} {
		c, err := webhook.Compile(whenOf(when), event)
		require.NoError(t, err, when)
		_, err = c.Compose(event)
		require.NoError(t, err, when)
		require.Empty(t, webhook.Check(whenOf(when), event), when)
	}
}

// A word without quotes is a text, if no name is spelt like it; and a name has no quotes.
func TestWhen_Quotes(t *testing.T) {
	t.Parallel()
	const fixed = "this compares fixed values, so it is the same for every event"
	event := raw(`{"status":"sent","n":1,"a":{"b":2}}`)
	for _, tt := range []struct{ when, at, message, suggestion string }{
		{"status == sent", "sent", `unknown name "sent"; a text is written in quotes`, "'sent'"},
		{"status in ('x', read)", "read", `unknown name "read"; a text is written in quotes`, "'read'"},
		{"'x' != Status", "Status", `unknown name "Status"; did you mean "status"?`, "status"},
		{"n < a.c", "a.c", `unknown name "a.c"; did you mean "a.b"?`, "a.b"},
		{"statuss == 'sent'", "statuss", `unknown name "statuss"; did you mean "status"?`, "status"},
		{"n != null", "null", `unknown name "null"; did you mean "nil"?`, "nil"},
		{"n == None", "None", `unknown name "None"; did you mean "nil"?`, "nil"},
		{"n == TRUE", "TRUE", `unknown name "TRUE"; did you mean "true"?`, "true"},
		{"'status' != 'sent'", "'status'", fixed + ": a name has no quotes", "status"},
		{"'Status' != 'sent' and n == 1", "'Status'", fixed + ": a name has no quotes", "status"},
		{"'x' in ('x', 'y')", "'x'", fixed + ": a name has no quotes", ""},
		{"n == 1 or 1 == 1", "1", fixed, ""},
	} {
		problems := check(t, whenOf(tt.when), event)
		require.Len(t, problems, 1, tt.when)
		p := problems[0]
		require.Equal(t, []string{tt.message, tt.suggestion}, []string{p.Message, p.Suggestion}, tt.when)
		require.Equal(t, tt.at, tt.when[p.Offset:p.Offset+p.Length], tt.when)
	}
}

func TestWhen_Malformed(t *testing.T) {
	t.Parallel()
	const (
		fixedList  = "in and contains look into a name or a list, not into a fixed value: a list is written a in ('x', 'y')"
		squareList = "a list is written in round brackets, with texts in quotes: a in ('x', 'y')"
		repeated   = "a comparison: the name is written again, as in a == 'x' or a == 'y', or values listed, as in a in ('x', 'y'), found "
	)
	for _, tt := range []struct {
		when   string
		offset int
		want   string
	}{
		{"status", 6, "expected a comparison such as == 'sent', one of == != < <= > >= contains in, found the end"},
		{"status 'sent'", 7, `expected a comparison such as == 'sent', one of == != < <= > >= contains in, found a text in quotes`},
		{"status = 'sent'", 7, `"=" is not known here, write ==`},
		{"status === 'sent'", 7, `"===" is not known here, write ==`},
		{"a == 1 && b == 2", 7, `"&&" is not known here, write and`},
		{"a == 1 AND b == 2", 7, `"AND" is not known here, write and`},
		{"!a == 1", 0, `"!" is not known here, write not`},
		{"{{status}} == 'sent'", 0, "a condition has no tags: write the name alone, such as status == 'sent'"},
		{"status == {{payload.x}}", 10, "a condition has no tags: write the name alone, such as status == 'sent'"},
		{"status == ", 10, "expected a name, a text in quotes or a number, found the end"},
		{"status == 'sent", 10, "a text in quotes is not closed by '"},
		{"== 'sent'", 0, `expected a name, a text in quotes or a number, found "=="`},
		{"(status == 'sent'", 0, "a ( is not closed by )"},
		{"status == 'sent')", 16, `expected and, or, or the end of the condition, found ")"`},
		{"status in ('a', 'b'", 10, "a ( is not closed by )"},
		{"status in ()", 11, `expected a name, a text in quotes or a number, found ")"`},
		{"status == ('a')", 10, "a list in brackets stands behind in only"},
		{"status in ('a' 'b')", 15, `expected a comma or ), found a text in quotes`},
		{"status == 'a' status == 'b'", 14, `expected and, or, or the end of the condition, found "status"`},
		{"status == 'a' and", 17, "expected a name, a text in quotes or a number, found the end"},
		{"a..b == 1", 2, "an empty part in a name"},
		{"a | upcase == 'X'", 2, "a condition has no filters"},
		{"{status} == 'sent'", 0, "a condition has no tags: write the name alone, such as status == 'sent'"},
		{"a == '${b}' or ${b} == 1", 15, "a condition has no tags: write the name alone, such as status == 'sent'"},
		{"a is 'x'", 2, `"is" is not known here, write ==`},
		{"a LIKE 'x'", 2, `"LIKE" is not known here, write contains`},
		{"a not in ('x')", 2, `"not" is not known here, write not before the name`},
		{"a in 'x,y'", 5, fixedList},
		{"'ANSWER' in 'ANSWERED'", 12, fixedList},
		{"a in 5", 5, fixedList},
		{"a in nil", 5, fixedList},
		{"'x,y' contains a", 0, fixedList},
		{"a in ['x', 'y']", 5, squareList},
		{"a in [x, y]", 5, squareList},
		{"a in [1, 2]", 5, squareList},
		{"a == 'x' or 'y'", 12, "expected " + repeated + "the end"},
		{"(a == 'x' or 5) and b == 1", 13, "expected " + repeated + `")"`},
		{"true", 4, "expected a comparison such as == 'sent', one of == != < <= > >= contains in, found the end"},
		{"a == 123456789012345678901", 5, "a number of 21 characters, at most 20"},
		{strings.Repeat("(", 40) + "a == 1" + strings.Repeat(")", 40), 32, "more than 32 levels of brackets: over the limit"},
		{"a == \xff", 5, "not UTF-8"},
	} {
		_, err := webhook.Compile(whenOf(tt.when))
		var bad *webhook.TemplateError
		require.ErrorAs(t, err, &bad, tt.when)
		require.Equal(t, "when", bad.Field)
		require.Equal(t, tt.want, bad.Err.Error(), tt.when)
		require.Equal(t, tt.offset, bad.Offset, tt.when)
		problems := check(t, whenOf(tt.when))
		require.Len(t, problems, 1)
		require.LessOrEqual(t, problems[0].Offset+problems[0].Length, len(tt.when))
	}
	_, err := webhook.Compile(whenOf("a in (" + strings.Repeat("1, ", 600) + "1)"))
	require.ErrorIs(t, err, webhook.ErrLimit)
	_, err = webhook.Compile(whenOf(strings.Repeat(" ", webhook.MaxTemplateSize) + "a == 1"))
	require.ErrorIs(t, err, webhook.ErrLimit)
}

func TestWhen_Samples(t *testing.T) {
	t.Parallel()
	status, in := payload.MessageStatus{}, payload.MessageIn{}
	// What one sample knows is nil for the events of the others.
	c, err := webhook.Compile(whenOf("payload.status == 'read'"), status, in)
	require.NoError(t, err)
	_, err = c.Compose(payload.MessageIn{})
	require.Equal(t, webhook.ErrUnwanted, err)
	_, err = c.Compose(payload.MessageStatus{Status: payload.StatusRead})
	require.NoError(t, err)
	_, err = c.Compose(webhook.RawEvent{Type: "other", JSON: []byte(`{}`)})
	require.Equal(t, webhook.ErrUnwanted, err)

	problems := check(t, whenOf("payload.statsu == 'read'"), status)
	require.Equal(t, []webhook.Problem{{
		Field: "when", Length: len("payload.statsu"), Suggestion: "payload.status", Severity: webhook.SeverityError,
		Message: `unknown name "payload.statsu"; did you mean "payload.status"?`,
	}}, problems)

	// Several types of event may have one Go type, and a condition holds for none of them.
	rcs := payload.MessageStatus{Channel: "rcs"}
	all := []webhook.Event{status, rcs, in}
	require.NotEqual(t, status.EventType(), rcs.EventType())
	w := whenOf("event in ('rcs:message:status', 'whatsapp:message:in')")
	require.Empty(t, check(t, w, all...))
	w.Body = `["{{payload.recipient.from}}", "{{event}}"]`
	require.Equal(t, []webhook.Problem{{
		Field: "body", Offset: 4, Length: len("payload.recipient.from"), Severity: webhook.SeverityWarning,
		Message: "payload.recipient.from is no name of rcs:message:status: such events will not be sent; a default can replace it",
	}}, check(t, w, all...))
	for when, never := range map[string]bool{
		"event == 'whatsapp:message:stats'": true, "not (event in ('rcs:message:status', 'whatsapp:message:in', 'whatsapp:message:status'))": true,
		"event == 'sms' and payload.id == '1'": true, "event != 'rcs:message:status'": false, "event == 'sms' or payload.id == '1'": false,
	} {
		problems := check(t, whenOf(when), all...)
		if !never {
			require.Empty(t, problems, when)
			continue
		}
		require.Equal(t, []webhook.Problem{{
			Field: "when", Length: len(when), Severity: webhook.SeverityWarning,
			Message: "this holds for no type of event that is known: none of them will be sent",
		}}, problems)
		require.Empty(t, check(t, whenOf(when)), "without samples")
	}

	// A number in quotes, behind a name that is one.
	report := raw(`{"n":12,"text":" 12.5 ","at":"2021-04-09","none":null}`)
	for when, want := range map[string]string{"n > '100'": "100", "text == '1' or not '-1.50' >= text": "-1.50", "n < ' 1e3'": ""} {
		problems := check(t, whenOf(when), report)
		require.Len(t, problems, 1, when)
		at := strings.LastIndex(when[:len(when)-1], "'")
		if want == "-1.50" {
			at = strings.Index(when, "'-1.50'")
		}
		require.Equal(t, []webhook.Problem{{
			Field: "when", Offset: at, Length: strings.Index(when[at+1:], "'") + 2, Suggestion: want, Severity: webhook.SeverityWarning,
			Message: "a text is compared letter by letter, so that 23 is greater than 100: write a number without quotes",
		}}, problems)
	}
	require.Empty(t, check(t, whenOf("at > '2021' and n > 100 and n in ('1', '2') and none < '5' and n < 'a'"), report))
	require.Empty(t, check(t, whenOf("n > '100'")))

	// Without samples it is an error of the message, as in templates.
	c = webhook.MustCompile(whenOf("nothing == 1"))
	_, err = c.Compose(webhook.RawEvent{Type: "other", JSON: []byte(`{"a": 1}`)})
	require.ErrorIs(t, err, webhook.ErrUnknownName)
}

// A condition decides the same about an event in all its forms.
func TestWhen_Forms(t *testing.T) {
	t.Parallel()
	typed := payload.MessageStatus{ID: "m1", To: payload.PhoneString("919019912345"), Status: payload.StatusRead}
	raw, err := json.Marshal(typed)
	require.NoError(t, err)
	for _, when := range []string{
		"payload.status == 'read'", "payload.mobile == '919019912345'", "payload.mobile > 900", "payload.read_at == nil",
		"payload.id in ('m1', 'm2')", "payload.status != 'read'", "payload contains 'status'",
	} {
		c := webhook.MustCompile(whenOf(when), typed)
		_, want := c.Compose(typed)
		_, got := c.Compose(&typed)
		require.Equal(t, want, got, when)
		if !strings.Contains(when, "mobile") { // an alias, which only the type knows
			_, got = c.Compose(webhook.RawEvent{Type: typed.EventType(), JSON: raw})
			require.Equal(t, want, got, when)
		}
	}
}

// A long text that is looked for takes no time: it is refused.
func TestWhen_Limits(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 300)
	event := webhook.RawEvent{Type: "e", JSON: []byte(`{"a": "` + strings.Repeat("a", 500_000) + `", "b": "` + long + `"}`)}
	_, err := webhook.MustCompile(whenOf("a contains b")).Compose(event)
	require.ErrorIs(t, err, webhook.ErrLimit)
	require.EqualError(t, err, "webhook: when: offset 0: contains looks for a text of more than 256 bytes: over the limit")
	_, err = webhook.MustCompile(whenOf(strings.Repeat("a == 'x' or ", 100) + "a == 'x'")).Compose(event)
	require.ErrorIs(t, err, webhook.ErrLimit)
	var bad *webhook.TemplateError
	require.ErrorAs(t, err, &bad)
	require.Equal(t, "when", bad.Field)

	// The JSON of a large list is made once, whatever it is compared with.
	large := webhook.RawEvent{Type: "e", JSON: []byte(`{"a": [` + strings.Repeat(" ", 500_000) + `], "b": [` +
		strings.Repeat(`"[",`, 100_000) + `"[]"]}`)}
	_, err = webhook.MustCompile(whenOf("a in (" + strings.Repeat("'[',", 400) + "'x')")).Compose(large)
	require.ErrorIs(t, err, webhook.ErrUnwanted)
	_, err = webhook.MustCompile(whenOf("b contains a")).Compose(large)
	require.NoError(t, err)
}

func FuzzWhen(f *testing.F) {
	for _, when := range []string{
		"status == 'COMPLETED' and not (duration > 0 or a in ('b', 5, nil))", "a.b contains x", "'\\'' == a", "((", "a['b c'] != 1",
	} {
		f.Add(when, `{"status": "COMPLETED", "duration": 3, "a": {"b": ["x"]}}`)
	}
	f.Add("0 > 0", "no JSON")
	f.Fuzz(func(t *testing.T, when, event string) {
		for _, p := range check(t, whenOf(when)) {
			require.LessOrEqual(t, p.Offset, len(when))
			require.GreaterOrEqual(t, p.Offset, 0)
			require.LessOrEqual(t, p.Offset+p.Length, len(when))
		}
		c, err := webhook.Compile(whenOf(when))
		if err != nil {
			return
		}
		e := webhook.RawEvent{Type: "e", JSON: []byte(event)}
		_, err = c.Compose(e)
		negated, deep := webhook.Compile(whenOf("not (" + when + ")"))
		if strings.TrimSpace(when) == "" || deep != nil { // two levels deeper
			return
		}
		_, other := negated.Compose(e)
		switch {
		case err == nil:
			require.Equal(t, webhook.ErrUnwanted, other)
		case errors.Is(err, webhook.ErrUnwanted):
			if bad := (*webhook.TemplateError)(nil); errors.As(other, &bad) {
				require.Equal(t, "event", bad.Field) // which a condition without names does not look at
				return
			}
			require.NoError(t, other)
		default:
			require.Error(t, other)
		}
	})
}
