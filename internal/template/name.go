package template

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/ringhook/webhook/internal/field"
	"github.com/ringhook/webhook/internal/problem"
	"github.com/ringhook/webhook/internal/request"
)

// name reads the path of a name:
//
//	name = ( part | member ) { "." part | member }
//	member = "[" ( index | text ) "]"
//
// It returns its one spelling. What follows is the end of the tag or one of stops.
func (x *expr) name(stops string) (string, *Error) {
	start := x.i
	path, err := x.path()
	if err != nil {
		return "", err
	}
	if rest := strings.TrimLeftFunc(x.src[x.i:], unicode.IsSpace); rest != "" && strings.IndexByte(stops, rest[0]) < 0 {
		return "", x.badName(start)
	}
	return Spell(path), nil
}

// path reads the members that a name goes down to.
func (x *expr) path() (path []string, err *Error) {
	start := x.i
	for {
		if !x.follows("[") || x.i > start && x.src[x.i-1] == '.' {
			word := x.part()
			if word == "" {
				return nil, x.badName(start)
			}
			path = append(path, word)
		}
		for x.follows("[") {
			member, err := x.member()
			if err != nil {
				return nil, err
			}
			path = append(path, member)
		}
		if !x.follows(".") {
			break
		}
		x.i++
	}
	switch at, size := x.Offset(start), len(Spell(path)); {
	case size > request.MaxNameSize:
		return nil, Errorf(at, problem.NameTooLong, "a name of %d bytes, at most %d: %w", size, request.MaxNameSize, request.ErrLimit)
	case len(path) > request.MaxDepth:
		return nil, Errorf(at, problem.NameTooDeep, "a name of %d parts, at most %d: %w", len(path), request.MaxDepth, request.ErrLimit)
	}
	return path, nil
}

// badName returns why the text at the current place cannot be in a name.
func (x *expr) badName(start int) *Error {
	r, _ := utf8.DecodeRuneInString(x.src[x.i:])
	afterDot := x.i > start && x.src[x.i-1] == '.'
	switch end := x.i == len(x.src) || r == '|' || unicode.IsSpace(r); {
	case afterDot && end:
		x.i--
		return x.errorf(problem.EmptyNamePart, "an empty part in a name")
	case end && x.i > start && x.operatorFollows():
		return x.errorf(problem.BlankInName, "a blank inside a name; there are no operators: filters such as plus, append and default follow a |")
	case end && x.i > start:
		return x.errorf(problem.BlankInName, "a blank inside a name; a member with one is written ['a b']")
	case r == '.' && x.i == start:
		return x.errorf(problem.EmptyNamePart, "an empty part in a name; it begins without a dot")
	case r == '.' || r == '[':
		return x.errorf(problem.EmptyNamePart, "an empty part in a name")
	case r == '{':
		return x.errorf(problem.NameCharacter, "%q in a name; a tag has two braces", r)
	case r == '(':
		return x.errorf(problem.NameCharacter, "%q in a name; a filter follows a |", r)
	}
	if x.escapedQuote() {
		return x.errorf(problem.EscapedQuote, "outside of a JSON text, a quote is written without a backslash")
	}
	return x.errorf(problem.NameCharacter, "%q in a name", r)
}

// operatorFollows reports whether a text, a sign or a word stands behind the blanks that
// other languages have as an operator.
func (x *expr) operatorFollows() bool {
	rest := strings.TrimLeftFunc(x.src[x.i:], unicode.IsSpace)
	word, _, _ := strings.Cut(rest, " ")
	return rest != "" && strings.IndexByte(`+-*/%?=!<>&~'"`, rest[0]) >= 0 || word == "or" || word == "and"
}

// escapedQuote reports whether there is a quote with a backslash before it.
func (x *expr) escapedQuote() bool { return x.follows(`\"`) || x.follows(`\'`) }

// member reads an index or a text in brackets.
func (x *expr) member() (member string, err *Error) {
	opened := x.i
	x.i++
	x.skipBlanks()
	if x.quoted() {
		text, err := x.text(false)
		if err != nil {
			return "", err
		}
		member = text.Text
	} else {
		start := x.i
		for x.i < len(x.src) && '0' <= x.src[x.i] && x.src[x.i] <= '9' {
			x.i++
		}
		member = x.src[start:x.i]
		if x.i == len(x.src) {
			x.i = opened
			return "", x.errorf(problem.BracketUnclosed, "a %s is not closed by %s", "[", "]")
		}
		if _, ok := field.Index(member); !ok {
			x.i = start
			return "", x.errorf(problem.NoIndex, "an index that is not a whole number; a member's name stands in quotes")
		}
	}
	x.skipBlanks()
	switch {
	case x.i == len(x.src):
		x.i = opened
		return "", x.errorf(problem.BracketUnclosed, "a %s is not closed by %s", "[", "]")
	case x.src[x.i] != ']':
		return "", x.errorf(problem.BracketExpected, "expected ], found %s", x.found())
	}
	x.i++
	return member, nil
}

// part reads one part of a name: all characters but those that have a meaning in a tag,
// or may get one later.
func (x *expr) part() string {
	start := x.i
	for x.i < len(x.src) {
		r, n := utf8.DecodeRuneInString(x.src[x.i:])
		if r == utf8.RuneError && n == 1 || !isPart(r) {
			break
		}
		x.i += n
	}
	return x.src[start:x.i]
}

func isPart(r rune) bool {
	return !unicode.IsSpace(r) && !unicode.IsControl(r) && !strings.ContainsRune(".|\"'`{}<>[](),:\\", r)
}

// Path returns the members that a name goes down to; none if it is no name.
func Path(name string) []string {
	x := expr{src: name, View: View{Text: name}}
	path, err := x.path()
	if err != nil || x.i < len(name) {
		return nil
	}
	return path
}

// Spell writes the name of a path, as Path reads it: parts with a dot between them, and
// those that cannot stand so in a tag or a condition in brackets.
func Spell(path []string) string {
	var b strings.Builder
	for i, part := range path {
		switch {
		case !isPlain(part) || i == 0 && isTaken(part):
			b.WriteString("[" + Quote(part) + "]")
		case i > 0:
			b.WriteString("." + part)
		default:
			b.WriteString(part)
		}
	}
	return b.String()
}

// isPlain reports whether a part of a name needs no quotes.
func isPlain(part string) bool {
	for _, r := range part {
		if !isPart(r) || strings.ContainsRune(symbols, r) {
			return false
		}
	}
	return part != ""
}

// isTaken reports whether what a name begins with would be read as a literal, an operator
// or a statement.
func isTaken(part string) bool {
	switch part {
	case "true", "false", "nil":
		return true
	}
	return strings.IndexByte(statementSigns, part[0]) >= 0 ||
		strings.Trim(strings.TrimPrefix(part, "-"), "0123456789") == "" || isOperator(part) || habits[part] != ""
}
