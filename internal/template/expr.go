package template

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/ringhook/webhook/internal/field"
	"github.com/ringhook/webhook/internal/problem"
	"github.com/ringhook/webhook/internal/request"
)

// A Call is a filter in a tag, with its arguments.
type Call struct {
	Name string
	At   int
	Args []Arg
}

// An Arg is an argument of a filter: a name or, if Name is empty, a literal.
type Arg struct {
	Name    string
	Value   field.Value
	At, End int
}

// An expr reads the expression between the braces of a tag:
//
//	expression = operand { "|" filter }
//	operand    = name | literal
//	filter     = word [ ":" operand { "," operand } ]
//	literal    = "'" text "'" | '"' text '"' | integer | "true" | "false" | "nil"
type expr struct {
	View
	src      string // the view's text
	i        int
	inString bool // the tag is inside a JSON text
}

// parse reads a tag's content into n.
func (x *expr) parse(n *Node) *Error {
	x.skipBlanks()
	n.At = x.Offset(x.i)
	if x.isStatement() {
		return x.errorf(problem.Statement, "there are no conditions or loops; "+
			"the webhook's own condition chooses events, and the filter translate values")
	}
	if err := x.operand(n); err != nil {
		return err
	}
	for x.skipBlanks(); x.i < len(x.src); x.skipBlanks() {
		switch c := x.src[x.i]; {
		case c == '|':
		case len(n.Filters) > 0 && (c == '(' || x.quoted() || startsPart(x.src[x.i:])):
			return x.errorf(problem.TagEndExpected, "expected | or the end of the tag, found %s; arguments follow a : and have commas between them", x.found())
		default:
			return x.errorf(problem.TagEndExpected, "expected | or the end of the tag, found %s", x.found())
		}
		x.i++
		call, err := x.filter()
		if err != nil {
			return err
		}
		if len(n.Filters) == request.MaxFilters {
			return Errorf(call.At, problem.TooManyFilters, "more than %d filters: %w", request.MaxFilters, request.ErrLimit)
		}
		n.Filters = append(n.Filters, call)
	}
	return nil
}

// isStatement reports whether there is what other languages begin a statement with, such as
// #if x, /if, or if x.
func (x *expr) isStatement() bool {
	word, rest, _ := strings.Cut(x.src[x.i:], " ")
	return x.i < len(x.src) && strings.IndexByte(statementSigns, x.src[x.i]) >= 0 ||
		statements[word] && strings.TrimLeftFunc(rest, unicode.IsSpace) != "" && !strings.HasPrefix(strings.TrimSpace(rest), "|")
}

// statementSigns has what a statement, a part or a comment of Handlebars begins with.
const statementSigns = "#/^!>"

// IsStatement reports whether a word alone is a statement in other languages, such as else.
func IsStatement(word string) bool { return statements[word] }

var statements = map[string]bool{
	"if": true, "elsif": true, "elseif": true, "else": true, "unless": true, "for": true, "foreach": true, "each": true,
	"range": true, "with": true, "case": true, "when": true, "assign": true, "set": true, "include": true,
	"end": true, "endif": true, "endfor": true, "endunless": true, "endcase": true, "endeach": true,
}

func (x *expr) operand(n *Node) *Error {
	if x.i == len(x.src) {
		return Errorf(x.Offset(0), problem.EmptyPlaceholder, "an empty placeholder")
	}
	if x.src[x.i] == '|' {
		return x.errorf(problem.NameExpected, "expected a name %s", "before |")
	}
	v, ok, err := x.literal()
	if n.Literal = v; !ok && err == nil {
		n.Name, err = x.name("|")
	}
	n.NameEnd = x.Offset(x.i)
	return err
}

// literal reads a literal, if there is one.
func (x *expr) literal() (v field.Value, ok bool, err *Error) {
	if x.quoted() {
		v, err = x.text(false)
		return v, true, err
	}
	word := x.word()
	switch digits := strings.TrimPrefix(word, "-"); {
	case word == "true", word == "false":
		v = field.FromJSON(word)
	case word == "nil":
		v = field.Null
	case word == "" || strings.Trim(digits, "0123456789") != "":
		return v, false, nil
	case digits == "":
		return v, true, x.errorf(problem.DigitsExpected, "expected digits after -")
	case len(digits) > 18:
		return v, true, x.errorf(problem.NumberTooLong, "a number of %d characters, at most %d", len(digits), 18)
	default:
		v = field.Number(integer(word))
	}
	x.i += len(word)
	return v, true, nil
}

// integer returns a whole number without leading zeros.
func integer(word string) string {
	digits, negative := strings.CutPrefix(word, "-")
	digits = strings.TrimLeft(digits, "0")
	switch {
	case digits == "":
		return "0"
	case negative:
		return "-" + digits
	}
	return digits
}

func (x *expr) filter() (Call, *Error) {
	x.skipBlanks()
	call := Call{Name: x.word(), At: x.Offset(x.i)}
	switch {
	case call.Name == "" && x.follows("|"):
		return call, x.errorf(problem.FilterExpected, "expected a filter after |; one name or else another is written a | default: b")
	case call.Name == "":
		return call, x.errorf(problem.FilterExpected, "expected a filter after |")
	}
	x.i += len(call.Name)
	x.skipBlanks()
	if !x.follows(":") {
		return call, nil
	}
	for {
		x.i++ // the : or the ,
		x.skipBlanks()
		arg, err := x.argument(len(call.Args) == 0 && patterns[call.Name])
		if err != nil {
			return call, err
		}
		call.Args = append(call.Args, arg)
		x.skipBlanks()
		if !x.follows(",") {
			return call, nil
		}
	}
}

// patterns has the filters whose first argument has letters for the parts of a date.
var patterns = map[string]bool{"date": true, "date_format": true}

// argument reads a literal or a name. What begins like a number is no name: its author
// may have meant a fraction.
func (x *expr) argument(pattern bool) (arg Arg, err *Error) {
	arg.At = x.Offset(x.i)
	ok := pattern && x.quoted()
	if ok {
		arg.Value, err = x.text(true)
	} else {
		arg.Value, ok, err = x.literal()
	}
	if !ok && err == nil {
		switch next := x.src[x.i:]; {
		case next != "" && strings.IndexByte("-0123456789", next[0]) >= 0:
			return arg, x.errorf(problem.NotWhole, "expected a whole number, found %.20q; write other numbers in quotes", x.word())
		case x.escapedQuote():
			return arg, x.badName(x.i)
		case !x.follows("[") && !startsPart(next):
			return arg, x.errorf(problem.ArgumentExpected, "expected a text in quotes, a whole number, true, false, nil or a name, found %s", x.found())
		}
		arg.Name, err = x.name("|,")
	}
	arg.End = x.Offset(x.i)
	return arg, err
}

// follows reports whether s is at the current place.
func (x *expr) follows(s string) bool { return strings.HasPrefix(x.src[x.i:], s) }

// found describes the character at the current place, for an error.
func (x *expr) found() string {
	if x.i >= len(x.src) {
		return "the end of the tag"
	}
	r, _ := utf8.DecodeRuneInString(x.src[x.i:])
	return "\"" + string(r) + "\""
}

func startsPart(s string) bool {
	r, n := utf8.DecodeRuneInString(s)
	return n > 0 && (r != utf8.RuneError || n > 1) && isPart(r)
}

func (x *expr) skipBlanks() {
	x.i += len(x.src[x.i:]) - len(strings.TrimLeftFunc(x.src[x.i:], unicode.IsSpace))
}

// word returns the letters, digits, _ and - at the current place.
func (x *expr) word() string {
	rest := x.src[x.i:]
	if end := strings.IndexFunc(rest, func(r rune) bool { return !isWord(r) && r != '.' }); end >= 0 {
		rest = rest[:end]
	}
	return rest
}

func isWord(r rune) bool { return r == '_' || r == '-' || unicode.IsLetter(r) || unicode.IsDigit(r) }

func (x *expr) errorf(code problem.Code, format string, args ...any) *Error {
	return Errorf(x.Offset(x.i), code, format, args...)
}
