package webhook_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
)

func TestSubscriptionMatch(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name               string
		events, identities []string
		event              string
		has                []string
		want               bool
	}{
		{"a name", []string{"whatsapp:message:in"}, nil, "whatsapp:message:in", nil, true},
		{"another name", []string{"whatsapp:message:in"}, nil, "whatsapp:message:status", nil, false},
		{"the beginning alone", []string{"whatsapp:message"}, nil, "whatsapp:message:in", nil, false},
		{"in another case", []string{"WhatsApp:message:in"}, nil, "whatsapp:message:in", nil, false},
		{"a glob over colons", []string{"whatsapp:*"}, nil, "whatsapp:message:in", nil, true},
		{"a glob of another channel", []string{"whatsapp:*"}, nil, "rcs:message:in", nil, false},
		{"a glob in the middle", []string{"*:message:in"}, nil, "rcs:message:in", nil, true},
		{"a star for nothing", []string{"voice:message:out*"}, nil, "voice:message:out", nil, true},
		{"all", []string{"*"}, nil, "anything", nil, true},
		{"all, of an event without a type", []string{"*"}, nil, "", nil, true},
		{"the second of two", []string{"a", "b"}, nil, "b", nil, true},
		{"none", nil, nil, "a", nil, false},

		{"all identities", []string{"*"}, []string{"all"}, "a", nil, true},
		{"all identities, in capitals", []string{"*"}, []string{"ALL"}, "a", []string{"number:1"}, true},
		{"an event for all, where one is wanted", []string{"*"}, []string{"number:1"}, "a", []string{"all"}, false},
		{"the number", []string{"*"}, []string{"number:918040000000"}, "a", []string{"number:918040000000"}, true},
		{"the number, written for people", []string{"*"}, []string{"number:918040000000"}, "a", []string{"number:+91 (80) 4000-0000"}, true},
		{"another number with the same end", []string{"*"}, []string{"number:8040000000"}, "a", []string{"number:918040000000"}, false},
		{"a keyword in another case", []string{"*"}, []string{"keyword:SALE"}, "a", []string{"keyword:sale "}, true},
		{"a keyword that is longer", []string{"*"}, []string{"keyword:sale"}, "a", []string{"keyword:sales"}, false},
		{"a keyword for a number", []string{"*"}, []string{"keyword:1"}, "a", []string{"number:1"}, false},
		{"the second of several", []string{"*"}, []string{"number:1", "keyword:sale"}, "a", []string{"number:2", "keyword:sale"}, true},
		{"one's own kind", []string{"*"}, []string{"campaign:17"}, "a", []string{"campaign:17"}, true},
		{"one's own kind in another case", []string{"*"}, []string{"campaign:A"}, "a", []string{"campaign:a"}, false},
		{"no identity at all", []string{"*"}, []string{"number:1"}, "a", nil, false},
		{"only the event", []string{"b"}, []string{"all"}, "a", []string{"all"}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := webhook.Subscription{WebhookID: "w", Events: test.events, Identities: test.identities}
			require.Equal(t, test.want, s.Match(test.event, test.has))
		})
	}
}

func TestSubscriptionCheck(t *testing.T) {
	t.Parallel()
	many := strings.Split(strings.Repeat("a,", 101), ",")[:101]
	for _, test := range []struct {
		name, want string
		s          webhook.Subscription
	}{
		{"good", "", webhook.Subscription{
			WebhookID: "w", Events: []string{"whatsapp:*", "unsubscription"},
			Identities: []string{"all", "number:+91 80 4000 0000", "keyword:zoë & co", "campaign:17"},
		}},
		{"no webhook", "webhook_id: empty", webhook.Subscription{Events: []string{"*"}}},
		{"no event", `events: none; "*" is all`, webhook.Subscription{WebhookID: "w"}},
		{"too many events", "events: 101, at most 100", webhook.Subscription{WebhookID: "w", Events: many}},
		{"an empty event", "events[1]: empty", webhook.Subscription{WebhookID: "w", Events: []string{"a", ""}}},
		{"a long event", "events[0]: longer than 128 bytes", webhook.Subscription{WebhookID: "w", Events: []string{strings.Repeat("a", 129)}}},
		{"a blank", "events[0]: offset 1: the name of an event", webhook.Subscription{WebhookID: "w", Events: []string{"a b"}}},
		{"another glob", "events[0]: offset 9: the name of an event", webhook.Subscription{WebhookID: "w", Events: []string{"whatsapp:?"}}},
		{"letters of elsewhere", "events[0]: offset 0: the name of an event", webhook.Subscription{WebhookID: "w", Events: []string{"é"}}},
		{"too many identities", "identities: 101, at most 100", webhook.Subscription{WebhookID: "w", Events: []string{"*"}, Identities: many}},
		{"no kind", "identities[0]: want all, number:… or keyword:…", identity("918040000000")},
		{"an empty identity", "identities[0]: want all, number:… or keyword:…", identity("")},
		{"no value", "identities[0]: want all, number:… or keyword:…", identity("keyword:")},
		{"no number", "identities[0]: a number has digits, at most 15", identity("number:sale")},
		{"a long number", "identities[0]: a number has digits, at most 15", identity("number:1234567890123456")},
		{"a line break", "identities[0]: blanks at the ends, control characters or no UTF-8", identity("keyword:a\nb")},
		{"a long identity", "identities[0]: longer than 128 bytes", identity("keyword:" + strings.Repeat("a", 121))},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			err := test.s.Check()
			if test.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, "webhook: subscription: "+test.want)
		})
	}
}

func identity(s string) webhook.Subscription {
	return webhook.Subscription{WebhookID: "w", Events: []string{"*"}, Identities: []string{s}}
}

func FuzzSubscriptionMatch(f *testing.F) {
	for _, glob := range []string{"*", "a*b*c", "whatsapp:*", "**", "*a", "a", ""} {
		f.Add(glob, "whatsapp:message:in", "number:+91 80")
	}
	f.Fuzz(func(t *testing.T, glob, event, id string) {
		parts := strings.Split(glob, "*")
		for i := range parts {
			parts[i] = regexp.QuoteMeta(parts[i])
		}
		// A regular expression of Go sees a byte that is no UTF-8 as U+FFFD.
		if expr, err := regexp.Compile(`(?s)\A` + strings.Join(parts, ".*") + `\z`); err == nil && isText(glob+event) {
			s := webhook.Subscription{Events: []string{glob}}
			require.Equal(t, expr.MatchString(event), s.Match(event, nil), "%q %q", glob, event)
		}
		form := webhook.NormalizeIdentity(id)
		require.Equal(t, form, webhook.NormalizeIdentity(form))
		s := webhook.Subscription{Events: []string{"*"}, Identities: []string{id}}
		require.True(t, s.Match(event, []string{id}))
		require.True(t, s.Match(event, []string{form}))
	})
}

func isText(s string) bool { return strings.ToValidUTF8(s, "") == s }
