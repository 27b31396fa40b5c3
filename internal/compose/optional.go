package compose

import (
	"bytes"

	"github.com/ringhook/webhook/internal/problem"
	"github.com/ringhook/webhook/internal/template"
)

// optional is the filter under which a tag that has no value is left out, with what it is
// the whole value of: a JSON member (also of a form), a query parameter or a header.
//
// Where that happens, a part renders leftOut in place of the member, from the beginning of
// its key on; what goes besides, such as a comma, is seen when all of it is rendered.
const optional = "optional"

// leftOut stands where something was left out. No place has it otherwise: it is a control
// character, which a URL and JSON escape and a header has not.
const leftOut = 1

// headerLeftOut is a header that is left out.
const headerLeftOut = "\x01"

// A place is where a placeholder stands, and what can be left out there.
type place struct {
	op      op
	lead    int            // the bytes before it that go with it
	refusal *problem.Error // of optional; nil if there is none
}

var (
	errOptionalLast    = problem.Errorf(problem.OptionalLast, "optional must be the last filter")
	errOptionalElement = problem.Errorf(problem.OptionalElement, "optional cannot leave out an element of a list, only a member of an object")
	errOptionalMember  = problem.Errorf(problem.OptionalMember, "optional leaves out a member of an object, so its tag must be the whole value of one")
	errOptionalQuery   = problem.Errorf(problem.OptionalQuery, "optional leaves out a parameter of the query, so its tag must be the whole value of one")
	errOptionalHeader  = problem.Errorf(problem.OptionalHeader, "optional leaves out a header, so its tag must be the whole value")
	errOptionalText    = problem.Errorf(problem.OptionalText, "optional leaves out members, fields, parameters and headers: a text or XML has none")
)

// compileOptional reports whether a placeholder is left out when it has no value.
func (c *compiler) compileOptional(p *part, n template.Node, at place) bool {
	for i, call := range n.Filters {
		if call.Name != optional {
			continue
		}
		last := i == len(n.Filters)-1
		if last && at.refusal == nil {
			return true
		}
		err := at.refusal
		if !last {
			err = errOptionalLast
		}
		e := &template.Error{Offset: call.At, Length: len(optional), Name: n.Name, Err: err}
		c.fail(inTemplate(p.field, p.source, e))
		return false
	}
	return false
}

// leaveOut removes the marks that a part has rendered, in place, and what goes with them.
func (p *part) leaveOut(dst []byte, start int) []byte {
	i := bytes.IndexByte(dst[start:], leftOut)
	if i < 0 || p.cut { // of a header only the caller can leave it out
		return dst
	}
	out, rest := dst[:start+i], dst[start+i:]
	for {
		rest = rest[1:]
		if p.field == "url" {
			out, rest = leaveOutParameter(out, rest)
		} else {
			out, rest = leaveOutMember(out, rest)
		}
		if i = bytes.IndexByte(rest, leftOut); i < 0 {
			break
		}
		out, rest = append(out, rest[:i]...), rest[i:]
	}
	out = append(out, rest...)
	if p.field == "url" && bytes.IndexByte(out[start:], '?') == len(out)-start-1 {
		return out[:len(out)-1]
	}
	return out
}

// leaveOutMember is called behind a member that is left out: it removes the comma behind
// it or, of the last member, the one before it. The blanks behind it stay.
func leaveOutMember(out, rest []byte) ([]byte, []byte) {
	if rest[0] == '"' {
		rest = rest[1:]
	}
	after := bytes.TrimLeft(rest, blanks)
	blank := rest[:len(rest)-len(after)]
	if after[0] == ',' {
		return append(out, blank...), after[1:]
	}
	before := bytes.TrimRight(out, blanks)
	if last := len(before) - 1; before[last] == ',' {
		out = append(before[:last], out[len(before):]...)
	}
	return append(out, blank...), after
}

// blanks are those of JSON.
const blanks = " \t\r\n"

// leaveOutParameter is called behind a parameter that is left out: it removes the & behind
// it or, of the last parameter, what is before it, which may be the ?.
func leaveOutParameter(out, rest []byte) ([]byte, []byte) {
	if len(rest) > 0 { // it begins with &
		return out, rest[1:]
	}
	return out[:len(out)-1], rest
}
