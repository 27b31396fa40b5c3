package webhook_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
)

func TestNormalizeRef(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, ref string
		want      []string
	}{
		{"empty", "", nil},
		{"blank", " \t\u00a0\x00", nil},
		{"an id", " A418D672-9781-4d97-B517-a56f7d95ad8a\n", []string{"a418d672-9781-4d97-b517-a56f7d95ad8a"}},
		{"a number", "+91 90199-12345", []string{"919019912345", "9019912345"}},
		{"without a country", "90199 12345", []string{"9019912345"}},
		{"with a zero", "(0)90199.12345", []string{"09019912345", "9019912345"}},
		{"a short number", "555 0100", []string{"5550100"}},
		{"too short for one", "55 0100", []string{"55 0100"}},
		{"too long for one", "1234567890123456", []string{"1234567890123456"}},
		{"letters in it", "9019912345x", []string{"9019912345x"}},
		{"a plus within", "90199+12345", []string{"90199+12345"}},
		{"bytes that are no text", "A\xffb\x00C", []string{"abc"}},
		{"other letters", "ÄÖÜ", []string{"äöü"}},
		{"long", strings.Repeat("É", 200), []string{strings.Repeat("é", 64)}},
		{"longer than is read", strings.Repeat("x", 126) + " \tÉ\x00", []string{strings.Repeat("x", 126)}},
		{"bytes that are no text, before much", strings.Repeat("\x80", 500) + "abc", []string{"abc"}},
		{"blanks after such bytes", "\x00 " + strings.Repeat("abcd", 40), []string{strings.Repeat("abcd", 32)}},
		{"longer in lower case", strings.Repeat("Ⱥ", 64), []string{strings.Repeat("ⱥ", 42)}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := webhook.NormalizeRef(tt.ref)
			require.Equal(t, tt.want, got)
			for _, form := range got {
				require.Contains(t, webhook.NormalizeRef(form), got[len(got)-1], "all have the last one")
			}
		})
	}
}

func FuzzNormalizeRef(f *testing.F) {
	f.Add("+91 90199-12345")
	f.Add("ȺȺ\x00\xff ")
	f.Fuzz(func(t *testing.T, ref string) {
		forms := webhook.NormalizeRef(ref)
		for _, form := range forms {
			require.True(t, utf8.ValidString(form))
			require.LessOrEqual(t, len(form), 128)
			require.NotContains(t, form, "\n")
			again := webhook.NormalizeRef(form)
			require.Subset(t, forms, again)
			require.Equal(t, forms[len(forms)-1], again[len(again)-1])
		}
	})
}

type referred struct {
	Text string `json:"text"`
	refs []string
}

func (referred) EventType() string { return "test:referred" }

func (r referred) Refs() []string { return r.refs }

func TestCompose_Refs(t *testing.T) {
	t.Parallel()
	c := webhook.MustCompile(webhook.Webhook{URL: "https://receiver.test/"})
	refs := func(refs ...string) []string {
		m, err := c.Compose(referred{refs: refs})
		require.NoError(t, err)
		return m.Refs
	}
	require.Nil(t, refs())
	require.Nil(t, refs("", " "))
	require.Equal(t, []string{"a", "919019912345", "9019912345", "b", "c"},
		refs("A", "", "a ", "+919019912345", "9019912345", "B", "C", "fifth"))
	require.Equal(t, []string{"11234567890", "1234567890", "21234567891", "1234567891", "31234567892", "1234567892", "41234567893", "1234567893"},
		refs("11234567890", "21234567891", "31234567892", "41234567893", "51234567894"))
}
