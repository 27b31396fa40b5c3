package problem_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook/internal/problem"
)

func TestErrorf(t *testing.T) {
	t.Parallel()
	err := problem.Errorf(problem.NameTooLong, "a name of %d bytes, at most %q: %w", 300, 'x', io.EOF)
	require.EqualError(t, err, "a name of 300 bytes, at most 'x': EOF")
	require.ErrorIs(t, err, io.EOF)
	require.Equal(t, problem.NameTooLong, err.Code)
	require.Equal(t, []string{"300", "x"}, err.Args)
	require.Equal(t, "name-too-long", err.Code.String())
}

func TestNew_Args(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"plain é":                "plain é",
		"two\r\nlines\u2028\x00": "two  lines  ",
		"not UTF-8 \xff\xfe":     "not UTF-8 \ufffd\ufffd",
		strings.Repeat("a", 256): strings.Repeat("a", 256),
		strings.Repeat("a", 257): strings.Repeat("a", 253) + "...",
		strings.Repeat("a", 252) + strings.Repeat("é", 4): strings.Repeat("a", 252) + "...",
		strings.Repeat("\xff", 300):                       strings.Repeat("\ufffd", 84) + "...",
	} {
		args := problem.New(problem.Other, "text", nil, in).Args
		require.Equal(t, []string{want}, args)
		require.LessOrEqual(t, len(args[0]), 256)
	}
}

func TestNew_Text(t *testing.T) {
	t.Parallel()
	require.EqualError(t, problem.New(problem.Other, "two\nlines\xff", nil), "two lines\ufffd")
	text := problem.Errorf(problem.Other, "%s", strings.Repeat("é\r\n", 100_000)).Error()
	require.Len(t, text, 1023)
	require.True(t, strings.HasSuffix(text, "é  ..."), text[1000:])
}

func TestOf(t *testing.T) {
	t.Parallel()
	require.Nil(t, problem.Of(nil))
	err := problem.Errorf(problem.NoTime, "the value is not a time")
	require.Same(t, err, problem.Of(err))
	wrapped := problem.Of(fmt.Errorf("policy: %w", err))
	require.EqualError(t, wrapped, "policy: the value is not a time")
	require.Equal(t, problem.NoTime, wrapped.Code)
	require.ErrorIs(t, wrapped, err)
	other := problem.Of(io.EOF)
	require.Equal(t, problem.Other, other.Code)
	require.Equal(t, []string{"EOF"}, other.Args)
	require.ErrorIs(t, other, io.EOF)
}

func TestInFilter(t *testing.T) {
	t.Parallel()
	e := problem.InFilter("plus", problem.Errorf(problem.ResultTooLong, "the result is longer than %d bytes", 7))
	require.EqualError(t, e, "plus: the result is longer than 7 bytes")
	require.Equal(t, problem.ResultTooLong, e.Code)
	require.Equal(t, []string{"plus", "7"}, e.Args)
	e = problem.InFilter("plus", errors.New("is odd"))
	require.Equal(t, problem.FilterValue, e.Code)
	require.Equal(t, []string{"plus", "is odd"}, e.Args)
}

func TestInArgument(t *testing.T) {
	t.Parallel()
	e := problem.InArgument("slice", 1, problem.Errorf(problem.ArgumentKind, "is %s, want %s", "a text", "a number"))
	require.EqualError(t, e, "slice: argument 2 is a text, want a number")
	require.Equal(t, problem.ArgumentKind, e.Code)
	require.Equal(t, []string{"slice", "2", "a text", "a number"}, e.Args)
	e = problem.InArgument("slice", 0, io.EOF)
	require.Equal(t, problem.Argument, e.Code)
	require.Equal(t, []string{"slice", "1", "EOF"}, e.Args)
	require.ErrorIs(t, e, io.EOF)
}

// Codes and their arguments fit into a table of Markdown.
func TestKinds(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, kind := range problem.Kinds() {
		require.Regexp(t, "^[a-z0-9]+(-[a-z0-9]+)*$", kind.Code)
		require.False(t, seen[kind.Code], kind.Code)
		seen[kind.Code] = true
		for _, arg := range kind.Args {
			require.NotRegexp(t, "[|;`\\n]", arg, kind.Code)
		}
	}
}
