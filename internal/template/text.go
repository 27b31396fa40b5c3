package template

import (
	"strings"
	"unicode"

	"github.com/ringhook/webhook/internal/problem"
)

// Text checks the text of a template: it has no control characters but TAB and the ends
// of lines.
func Text(nodes []Node) error {
	for _, n := range nodes {
		if i := strings.IndexFunc(n.Text, isTextControl); i >= 0 {
			return Errorf(n.Offset+i, problem.TextControl, "a control character in a text")
		}
	}
	return nil
}

func isTextControl(r rune) bool { return unicode.IsControl(r) && !strings.ContainsRune("\t\r\n", r) }

// CSV reports for each node whether it is inside a cell's quotes. The error has the first
// place at which the template is not CSV as RFC 4180 has it, or has a placeholder that is
// not a whole cell.
func CSV(nodes []Node) (quoted []bool, err error) {
	quoted = make([]bool, len(nodes))
	c := csvTemplate{start: true}
	for i, n := range nodes {
		if !n.Placeholder() {
			if err := c.text(n); err != nil {
				return nil, err
			}
			continue
		}
		if c.last = n; !c.start {
			return nil, errCSVCell(n)
		}
		quoted[i] = c.inQuotes
		c.start, c.filled = false, true
	}
	if c.inQuotes {
		return nil, Errorf(c.opened, problem.CSVUnclosed, "a cell's quotes are not closed")
	}
	return quoted, nil
}

// A csvTemplate is what is known at a place of a template.
type csvTemplate struct {
	start    bool // a cell has just begun, or its quotes have
	inQuotes bool
	opened   int  // the offset of the quote
	closed   bool // the cell's quotes are closed
	filled   bool // the cell has a placeholder, which is
	last     Node
}

func (c *csvTemplate) text(n Node) error {
	for i := 0; i < len(n.Text); i++ {
		switch char := n.Text[i]; {
		case char == '"' && c.inQuotes && strings.HasPrefix(n.Text[i+1:], `"`) && !c.filled:
			c.start = false
			i++
		case char == '"' && c.inQuotes:
			c.inQuotes, c.start, c.closed = false, false, true
		case c.inQuotes:
			if c.filled {
				return errCSVCell(c.last)
			}
			c.start = false
		case char == '\r' && !strings.HasPrefix(n.Text[i:], "\r\n"):
			return Errorf(n.Offset+i, problem.TextControl, "a control character in a text")
		case strings.IndexByte(",\r\n", char) >= 0:
			*c = csvTemplate{start: true}
		case c.filled:
			return errCSVCell(c.last)
		case char == '"' && c.start:
			c.inQuotes, c.opened = true, n.Offset+i
		case char == '"' || c.closed:
			return Errorf(n.Offset+i, problem.CSVQuote,
				`a quote inside a cell: the whole cell must be in quotes, and this one written ""`)
		default:
			c.start = false
		}
	}
	return nil
}

func errCSVCell(n Node) error {
	return n.Errorf(problem.CSVPlaceholder, "in CSV a placeholder is a whole cell, in quotes or without")
}
