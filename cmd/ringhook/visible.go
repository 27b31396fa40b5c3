package main

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A visible writes text that may be anybody's so that it steers no terminal: control
// characters are escaped as JSON and Go have them, so that JSON stays what it is. Line
// breaks and tabs are kept.
type visible struct{ w io.Writer }

func (v visible) Write(b []byte) (int, error) {
	if _, err := io.WriteString(v.w, escape(string(b))); err != nil {
		return 0, err
	}
	return len(b), nil
}

// An indenter writes lines with two blanks before them, but for empty ones.
type indenter struct {
	w      io.Writer
	inside bool // of a line
}

func (i *indenter) Write(b []byte) (int, error) {
	var out []byte
	for line := range bytes.Lines(b) {
		if empty := line[0] == '\n' || bytes.Equal(line, []byte("\r\n")); !i.inside && !empty {
			out = append(out, "  "...)
		}
		out = append(out, line...)
		i.inside = line[len(line)-1] != '\n'
	}
	if _, err := i.w.Write(out); err != nil {
		return 0, err
	}
	return len(b), nil
}

// reorders reports whether r changes the order in which what follows is seen, or begins a
// line: so a host could look like another.
func reorders(r rune) bool {
	return r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 || r == 0x2028 || r == 0x2029
}

func escape(s string) string {
	var b strings.Builder
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02x`, s[0])
		case r == '\n', r == '\t', strings.HasPrefix(s, "\r\n"), !unicode.IsControl(r) && !reorders(r):
			b.WriteString(s[:n])
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
		s = s[n:]
	}
	return b.String()
}
