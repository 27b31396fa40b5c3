package template_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook/internal/template"
)

func text(s string, offset int) template.Node {
	return template.Node{Text: s, Offset: offset, End: offset + len(s)}
}

func tag(name string, offset, at, end int) template.Node {
	return template.Node{Name: name, Offset: offset, At: at, End: end}
}

func TestSplit(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, src string
		want      []template.Node
	}{
		{"empty", "", nil},
		{"text", "a", []template.Node{text("a", 0)}},
		{"braces", "{{a}}", []template.Node{tag("a", 0, 2, 5)}},
		{"at braces", "@{{a}}", []template.Node{tag("a", 1, 3, 6)}},
		{"angles", "@<<a>>", []template.Node{tag("a", 0, 3, 6)}},
		{"two at", "@@{{a}}@@<<b>>", []template.Node{text("@", 0), tag("a", 2, 4, 7), text("@", 7), tag("b", 8, 11, 14)}},
		{"all", "x{{ a.0 }}y@<<b>>z@{{c}}", []template.Node{
			text("x", 0), tag("a.0", 1, 4, 10), text("y", 10), tag("b", 11, 14, 17), text("z", 17), tag("c", 19, 21, 24),
		}},
		{"braces end first", "{{a}}}}", []template.Node{tag("a", 0, 2, 5), text("}}", 5)}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			nodes, err := template.Split(tt.src, 256, 32)
			require.NoError(t, err)
			require.Equal(t, tt.want, nodes)
		})
	}
}

func TestSplit_Limits(t *testing.T) {
	t.Parallel()
	_, err := template.Split("{{abc}}{{a.b}}", 3, 2)
	require.NoError(t, err)
	_, err = template.Split("{{abcd}}", 3, 2)
	require.ErrorIs(t, err, template.ErrTooLong)
	require.EqualError(t, err, "offset 2: a name of 4 bytes, at most 3: too long")
	_, err = template.Split("x{{a.b.c}}", 5, 2)
	require.ErrorIs(t, err, template.ErrTooLong)
	require.EqualError(t, err, "offset 3: a name of 3 parts, at most 2: too long")
}

func TestJSON(t *testing.T) {
	t.Parallel()
	tests := []struct {
		src      string
		inString []bool // of the nodes
	}{
		{`{{a}}`, []bool{false}},
		{`"{{a}}"`, []bool{false, true, true}},
		{`["{{a}}",{{b}},"\"{{c}}"]`, []bool{false, true, true, false, false, true, true}},
		{`"\\{{a}}\n{{b}}"`, []bool{false, true, true, true, true}},
	}
	for _, tt := range tests {
		t.Run(tt.src, func(t *testing.T) {
			t.Parallel()
			nodes, err := template.Split(tt.src, 256, 32)
			require.NoError(t, err)
			inString, err := template.JSON(nodes, 32)
			require.NoError(t, err)
			require.Equal(t, tt.inString, inString)
		})
	}
	_, err := template.JSON(nil, 32)
	require.EqualError(t, err, "offset 0: not JSON: it ends too early")
}

func TestURL(t *testing.T) {
	t.Parallel()
	for src, want := range map[string]string{
		"https://h/{{a}}": "https://h", "https://h": "https://h", "https://h?a={{b}}": "https://h", "HTTP://h:1/?{": "HTTP://h:1",
	} {
		nodes, err := template.Split(src, 256, 32)
		require.NoError(t, err)
		authority, err := template.URL(nodes)
		require.NoError(t, err)
		require.Equal(t, want, src[:authority])
	}
}

// FuzzSplit: the nodes cover the template without a gap, and where there is no tag there is nothing but text.
func FuzzSplit(f *testing.F) {
	for _, src := range []string{"", "a{{b}}c", "@@{{ b }}", "@<<a>>@{{b}}", "{{{a}}}", "@<<{{a}}>>", "<<a>>}}", "{{a", "@<<", "@@<<\xff>>"} {
		f.Add(src)
	}
	f.Fuzz(func(t *testing.T, src string) {
		nodes, err := template.Split(src, 256, 32)
		if err != nil {
			var at *template.Error
			require.ErrorAs(t, err, &at)
			require.GreaterOrEqual(t, at.Offset, 0)
			require.LessOrEqual(t, at.Offset, len(src))
			require.True(t, strings.Contains(src, "{{") || strings.Contains(src, "@<<"))
			return
		}
		end := 0
		for _, n := range nodes {
			if n.Offset == end+1 && n.Placeholder() { // the @ of a tag in braces
				require.Equal(t, byte('@'), src[end])
				end++
			}
			require.Equal(t, end, n.Offset)
			require.Greater(t, n.End, n.Offset)
			if end = n.End; n.Placeholder() {
				require.Equal(t, n.Name, src[n.At:n.At+len(n.Name)])
				require.Equal(t, n.Name, strings.TrimSpace(n.Name))
			} else {
				require.Equal(t, n.Text, src[n.Offset:n.End])
				require.NotContains(t, n.Text, "{{")
			}
		}
		require.Equal(t, len(src), end)
		inString, err := template.JSON(nodes, 32)
		if err == nil {
			require.Len(t, inString, len(nodes))
		} else {
			require.True(t, errors.As(err, new(*template.Error)))
		}
		_, _ = template.URL(nodes)
	})
}
