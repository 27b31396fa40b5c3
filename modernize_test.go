package webhook_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
)

// oldTemplates has templates, and how they are rewritten.
var oldTemplates = []struct{ old, want string }{
	// The platform's documented examples.
	{"{to}", "{{to}}"},
	{"{from|cut:-10}", "{{from | slice: -10}}"},
	{"{start_at|date_format:d/m/Y}", "{{start_at | date_format: 'd/m/Y'}}"},
	{"{caller.mobile#9190199xxxx}", "{{caller.mobile | default: '9190199xxxx'}}"},
	{
		"https://receiver.test/?status={status}&start={start_at}&recording_url={recording_url}",
		"https://receiver.test/?status={{status}}&start={{start_at}}&recording_url={{recording_url}}",
	},

	// JSON.
	{`{"a":"{to}"}`, `{"a":"{{to}}"}`},
	{`{"a":{to}}`, `{"a":{{to}}}`},
	{`{"a":{"b":{to}}}`, `{"a":{"b":{{to}}}}`},
	{`{"a":[{to},{from}]}`, `{"a":[{{to}},{{from}}]}`},
	{"{\n  \"a\": {to}\n}", "{\n  \"a\": {{to}}\n}"},
	{
		`{"a":{n#0},"b":{n#-5},"c":{n#007},"d":{n#true},"e":{n#nil},"f":{n#}}`,
		`{"a":{{n | default: 0}},"b":{{n | default: -5}},"c":{{n | default: '007'}},"d":{{n | default: true}},"e":{{n | default: 'nil'}},"f":{{n | default: ''}}}`,
	},

	// Names in place of others.
	{"to {caller.name||caller.email}", "to {{caller.name | default: caller.email}}"},
	{"{a || b||c|upcase#d}", "{{a | default: b | default: c | upcase | default: 'd'}}"},

	// Filters.
	{"{ from | cut : -10 }", "{{from | slice: -10}}"},
	{"{from|cut:0, 5|append:x y}", "{{from | slice: 0, 5 | append: 'x y'}}"},
	{"{from|upcase}", "{{from | upcase}}"},
	{"{start_at|date_format:D, d M Y H:i:s#never}", "{{start_at | date_format: 'D, d M Y H:i:s' | default: 'never'}}"},
	{
		`{a|replace:'|',"#"|append:true|append:nil|append:1234567890123456789}`,
		`{{a | replace: '|', '#' | append: true | append: nil | append: '1234567890123456789'}}`,
	},
	{"{a#it's}", `{{a | default: "it's"}}`},
	{"{a# a b }", "{{a | default: ' a b '}}"},
	{"{a|append:'1'}", "{{a | append: '1'}}"},
	{`{a#it's "x"}`, `{{a | default: 'it\'s "x"'}}`},
	{`{a|date_format:d \d\n#x}`, `{{a | date_format: 'd \\d\\n' | default: 'x'}}`},

	// An @ stays.
	{"sip:{to}@{host}", "sip:{{to}}@@{{host}}"},
	{"@@{to}", "@@@{{to}}"},

	// Text.
	{"", ""},
	{`{"a": 1}`, ""},
	{`{ "x" }`, ""},
	{"{{x}} {{ x | default: '{to}' }} @{{x}} @<<x>> @<<x | default: '{to}'>> %id% <<x>> {{'{{'}}", ""},
	{"{}{ }{1}{a b}{a:b}{a,b}{.a}{a.}{a..b}{a-b}{é}{a\n}{a|b\n}", ""},
	{"{", ""},
	{"}", ""},
	{"{to", ""},
	{"{a{b", ""},
	{"a@b.test @", ""},
	{"{{to} {to}", ""},
	{"@<<to> {to}", ""},
}

func TestModernizeTemplate(t *testing.T) {
	t.Parallel()
	for _, tt := range oldTemplates {
		got, err := webhook.ModernizeTemplate(tt.old)
		require.NoError(t, err, tt.old)
		want := tt.want
		if want == "" {
			want = tt.old
		}
		require.Equal(t, want, got)
		again, err := webhook.ModernizeTemplate(got)
		require.NoError(t, err, got)
		require.Equal(t, got, again)
	}
}

var badOldTemplates = []struct {
	old    string
	offset int
	want   string
}{
	{"to {caller.name||}", 17, "expected a name behind ||"},
	{"{a||'x'}", 4, "expected a name behind ||"},
	{"{a||b-c}", 5, `expected |, # or }, found "-"`},
	{"{a#b|cut:1}", 4, "a | in a default: write {{a | default: 'text'}}, with further filters before or after the default"},
	{"{a|}", 3, "expected the name of a filter after |"},
	{"{a|cut|}", 7, "expected the name of a filter after |"},
	{"{a|Cut}", 3, "expected the name of a filter after |"},
	{"{a|cut 5}", 7, `expected |, # or }, found "5"`},
	{"{a|append:'x}", 10, "a text in quotes is not closed by '"},
	{"{a|append:'x'y}", 13, `expected |, # or }, found "y"`},
	{`{a|append:d\n}`, 11, "a backslash: write this placeholder by hand"},
	{`{a|date_format:d#\n}`, 17, "a backslash: write this placeholder by hand"},
}

func TestModernizeTemplate_Errors(t *testing.T) {
	t.Parallel()
	for _, tt := range badOldTemplates {
		got, err := webhook.ModernizeTemplate(tt.old)
		require.Empty(t, got)
		var e *webhook.TemplateError
		require.ErrorAs(t, err, &e, tt.old)
		require.Equal(t, tt.want, e.Err.Error())
		require.Equal(t, tt.offset, e.Offset, tt.old)
		require.Equal(t, "template", e.Field)
		require.NotEmpty(t, e.Placeholder)
	}
	_, err := webhook.ModernizeTemplate("Bearer secret {a||} more\n")
	var e *webhook.TemplateError
	require.ErrorAs(t, err, &e)
	require.Equal(t, `webhook: template: offset 18: expected a name behind ||
****** ****** {a||} ****
                  ^`, e.Detail())
}

func FuzzModernizeTemplate(f *testing.F) {
	for _, tt := range oldTemplates {
		f.Add(tt.old)
	}
	for _, tt := range badOldTemplates {
		f.Add(tt.old)
	}
	f.Fuzz(func(t *testing.T, old string) {
		got, err := webhook.ModernizeTemplate(old)
		if err != nil {
			var e *webhook.TemplateError
			require.ErrorAs(t, err, &e)
			require.Less(t, e.Offset, len(old))
			require.GreaterOrEqual(t, e.Offset, strings.IndexByte(old, '{'))
			require.NotEmpty(t, e.Detail())
			return
		}
		if !strings.Contains(old, "{") {
			require.Equal(t, old, got)
		}
		again, err := webhook.ModernizeTemplate(got)
		require.NoError(t, err)
		require.Equal(t, got, again)
	})
}
