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

// An Arg is an argument of a filter.
type Arg struct {
	Value   field.Value
	At, End int
}

// An expr reads the expression between the braces of a tag:
//
//	expression = operand { "|" filter }
//	operand    = name | literal
//	filter     = name [ ":" literal { "," literal } ]
//	literal    = "'" text "'" | '"' text '"' | integer | "true" | "false" | "nil"
type expr struct {
	src  string
	base int // offset of src in the template
	i    int
	json bool // \" in the template means "
}

// parse reads a tag's content into n.
func (x *expr) parse(n *Node) *Error {
	x.skipBlanks()
	n.At = x.base + x.i
	if err := x.operand(n); err != nil {
		return err
	}
	for x.skipBlanks(); x.i < len(x.src); x.skipBlanks() {
		if x.src[x.i] != '|' {
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

func (x *expr) operand(n *Node) *Error {
	if x.i == len(x.src) {
		return Errorf(x.base, problem.EmptyPlaceholder, "an empty placeholder")
	}
	if x.src[x.i] == '|' {
		return x.errorf(problem.NameExpected, "expected a name before |")
	}
	if v, ok, err := x.literal(); ok || err != nil {
		n.Literal = v
		return err
	}
	return x.name(n)
}

// literal reads a literal, if there is one.
func (x *expr) literal() (v field.Value, ok bool, err *Error) {
	if quote := x.quote(); quote != "" {
		v, err = x.text(quote)
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

// quote returns the quote at the current place, if there is one. In a JSON template a
// tag may be inside a string, where people and their editors write \" for ".
func (x *expr) quote() string {
	for _, q := range []string{`\"`, `"`, `'`} {
		if strings.HasPrefix(x.src[x.i:], q) && (q != `\"` || x.json) {
			return q
		}
	}
	return ""
}

// text reads a text in quotes.
func (x *expr) text(quote string) (field.Value, *Error) {
	start := x.i + len(quote)
	end := start
	for {
		n := strings.Index(x.src[end:], quote)
		if n < 0 {
			return field.Value{}, x.errorf(problem.QuoteUnclosed, "a text in quotes is not closed by %s", quote)
		}
		end += n
		if !x.json || quote != `"` || x.src[end-1] != '\\' {
			break
		}
		end++ // this one is a part of the text
	}
	text := x.src[start:end]
	if x.json {
		text = jsonEscapes.Replace(text)
	}
	x.i = end + len(quote)
	return field.Text(text), nil
}

// jsonEscapes replaces the escapes that people write in a tag inside a JSON string, as
// they must around it. In other templates a backslash is a character, as in 'd\m'.
var jsonEscapes = strings.NewReplacer(`\\`, `\`, `\"`, `"`)

// name reads a dotted path. An index may also be in brackets.
func (x *expr) name(n *Node) *Error {
	var parts []string
	start := x.i
	for {
		word := x.part()
		if word == "" {
			return x.badName(start)
		}
		parts = append(parts, word)
		for strings.HasPrefix(x.src[x.i:], "[") {
			index, err := x.index()
			if err != nil {
				return err
			}
			parts = append(parts, index)
		}
		if !strings.HasPrefix(x.src[x.i:], ".") {
			break
		}
		x.i++
	}
	if rest := strings.TrimLeftFunc(x.src[x.i:], unicode.IsSpace); rest != "" && rest[0] != '|' {
		return x.badName(start)
	}
	n.Name = strings.Join(parts, ".")
	switch at := x.base + start; {
	case len(n.Name) > request.MaxNameSize:
		return Errorf(at, problem.NameTooLong, "a name of %d bytes, at most %d: %w", len(n.Name), request.MaxNameSize, request.ErrLimit)
	case len(parts) > request.MaxDepth:
		return Errorf(at, problem.NameTooDeep, "a name of %d parts, at most %d: %w", len(parts), request.MaxDepth, request.ErrLimit)
	}
	return nil
}

// badName returns why the text at the current place cannot be in a name.
func (x *expr) badName(start int) *Error {
	r, _ := utf8.DecodeRuneInString(x.src[x.i:])
	afterDot := x.i > start && x.src[x.i-1] == '.'
	switch end := x.i == len(x.src) || r == '|' || unicode.IsSpace(r); {
	case afterDot && end:
		x.i--
		return x.errorf(problem.EmptyNamePart, "an empty part in a name")
	case end && x.i > start:
		return x.errorf(problem.BlankInName, "a blank inside a name")
	case r == '.' || r == '[':
		return x.errorf(problem.EmptyNamePart, "an empty part in a name")
	}
	return x.errorf(problem.NameCharacter, "%q in a name", r)
}

func (x *expr) index() (string, *Error) {
	end := strings.IndexByte(x.src[x.i:], ']')
	if end < 0 {
		return "", x.errorf(problem.BracketUnclosed, "a %s is not closed by %s", "[", "]")
	}
	index := strings.TrimSpace(x.src[x.i+1 : x.i+end])
	if _, ok := field.Index(index); !ok {
		x.i++
		return "", x.errorf(problem.NoIndex, "an index that is not a whole number")
	}
	x.i += end + 1
	return index, nil
}

func (x *expr) filter() (Call, *Error) {
	x.skipBlanks()
	call := Call{Name: x.word(), At: x.base + x.i}
	if call.Name == "" {
		return call, x.errorf(problem.FilterExpected, "expected a filter after |")
	}
	x.i += len(call.Name)
	x.skipBlanks()
	if !strings.HasPrefix(x.src[x.i:], ":") {
		return call, nil
	}
	for {
		x.i++ // the : or the ,
		x.skipBlanks()
		at := x.base + x.i
		v, ok, err := x.literal()
		if err != nil {
			return call, err
		}
		if !ok {
			return call, x.errorf(problem.ArgumentExpected, "expected a text in quotes, a whole number, true, false or nil, found %s", x.found())
		}
		call.Args = append(call.Args, Arg{v, at, x.base + x.i})
		x.skipBlanks()
		if !strings.HasPrefix(x.src[x.i:], ",") {
			return call, nil
		}
	}
}

// found describes the character at the current place, for an error.
func (x *expr) found() string {
	if x.i >= len(x.src) {
		return "the end of the tag"
	}
	r, _ := utf8.DecodeRuneInString(x.src[x.i:])
	return "\"" + string(r) + "\""
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

// part reads one part of a name: all characters but those that have a meaning in a tag,
// or may get one later.
func (x *expr) part() string {
	start := x.i
	for x.i < len(x.src) {
		r, n := utf8.DecodeRuneInString(x.src[x.i:])
		invalid := r == utf8.RuneError && n == 1
		if invalid || unicode.IsSpace(r) || unicode.IsControl(r) || strings.ContainsRune(".|\"'`{}<>[](),:\\", r) {
			break
		}
		x.i += n
	}
	return x.src[start:x.i]
}

func (x *expr) errorf(code problem.Code, format string, args ...any) *Error {
	return Errorf(x.base+x.i, code, format, args...)
}
