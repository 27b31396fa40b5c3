package template

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/ringhook/webhook/internal/field"
	"github.com/ringhook/webhook/internal/problem"
	"github.com/ringhook/webhook/internal/rawjson"
	"github.com/ringhook/webhook/internal/request"
)

// A Condition is a comparison, or what joins others.
type Condition struct {
	Op    string       // == != < <= > >= contains in; not, and, or
	Parts []*Condition // of not one, of and and or at least two
	Left  Operand      // of a comparison
	Right []Operand    // of a comparison one, or the list of an in
	List  bool         // Right is a list in brackets
}

// An Operand is a name or a literal. Its Node has no filters.
type Operand struct {
	Node
	Number bool // a literal number
}

// ParseCondition reads a condition:
//
//	condition  = term { "or" term }
//	term       = factor { "and" factor }
//	factor     = "not" factor | "(" condition ")" | comparison
//	comparison = operand operator ( operand | "(" operand { "," operand } ")" )
func ParseCondition(src string) (*Condition, *Error) {
	p := conditionParser{src: src}
	if err := p.next(); err != nil {
		return nil, err
	}
	c, err := p.or()
	if err == nil && p.token != "" {
		err = p.expected("and, or, or the end of the condition")
	}
	if err != nil {
		return nil, err
	}
	return c, nil
}

// A conditionParser has the token at its current place.
type conditionParser struct {
	src      string
	token    string // empty at the end
	at, end  int    // of the token
	depth    int
	operands int
}

// comparisons has the operators between two operands.
var comparisons = []string{"==", "!=", "<", "<=", ">", ">=", "contains", "in"}

// habits has what other languages write for operators.
var habits = map[string]string{
	"=": "==", "===": "==", "!==": "!=", "<>": "!=", "=>": ">=", "=<": "<=", "&&": "and", "||": "or", "!": "not",
	"&": "and", "AND": "and", "OR": "or", "NOT": "not", "IN": "in", "CONTAINS": "contains", "And": "and", "Or": "or", "Not": "not",
}

const symbols = "=!<>&|"

// operatorHabits has words that other languages write for operators. Where none is
// expected they are names.
var operatorHabits = map[string]string{
	"is": "==", "eq": "==", "equals": "==", "ne": "!=", "gt": ">", "lt": "<", "ge": ">=", "gte": ">=", "le": "<=", "lte": "<=",
	"like": "contains", "has": "contains", "includes": "contains", "not": "not before the name",
}

// next reads the next token: a symbol, a bracket, a comma, a text in quotes or a word.
func (p *conditionParser) next() *Error {
	rest := strings.TrimLeftFunc(p.src[p.end:], unicode.IsSpace)
	p.at = len(p.src) - len(rest)
	n := 0
	switch {
	case rest == "":
	case strings.ContainsRune("(),", rune(rest[0])):
		n = 1
	case strings.ContainsRune(symbols, rune(rest[0])):
		n = len(rest) - len(strings.TrimLeft(rest, symbols))
	case rest[0] == '{', strings.HasPrefix(rest, "${"), strings.HasPrefix(rest, "@{"), strings.HasPrefix(rest, "@<<"):
		return Errorf(p.at, problem.ConditionTag, "a condition has no tags: write the name alone, such as status == 'sent'")
	default:
		var ok bool
		if n, ok = operandLength(rest); !ok {
			return Errorf(p.at, problem.QuoteUnclosed, "a text in quotes is not closed by %s", rest[n:n+1])
		}
	}
	p.token, p.end = rest[:n], p.at+n
	if right := habits[p.token]; right != "" {
		return p.habit(right)
	}
	return nil
}

// habit returns the error for a token of other languages.
func (p *conditionParser) habit(right string) *Error {
	err := Errorf(p.at, problem.ConditionOperator, "%q is not known here, write %s", p.token, right)
	err.Length = len(p.token)
	return err
}

// operandLength returns the length of the name or literal at the start of a text; blanks
// and operators in quotes are part of it. If a quote is not closed, it returns its place.
func operandLength(text string) (n int, ok bool) {
	for n < len(text) {
		switch c := text[n]; {
		case c == '\'' || c == '"':
			if n > 0 && text[n-1] != '[' {
				return n, true
			}
			end := closing(text[n+1:], c)
			if end < 0 {
				return n, false
			}
			n += end + 2
			if n == end+2 { // a text, not a part of a name
				return n, true
			}
		case strings.IndexByte("(),"+symbols, c) >= 0:
			return n, true
		default:
			r, size := utf8.DecodeRuneInString(text[n:])
			if unicode.IsSpace(r) {
				return n, true
			}
			n += size
		}
	}
	return n, true
}

// closing returns where a quote is closed; what follows a backslash does not close it.
func closing(text string, quote byte) int {
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case quote:
			return i
		}
	}
	return -1
}

func (p *conditionParser) or() (*Condition, *Error) { return p.join("or", p.and) }

func (p *conditionParser) and() (*Condition, *Error) { return p.join("and", p.factor) }

// join reads parts with a word between them.
func (p *conditionParser) join(word string, part func() (*Condition, *Error)) (*Condition, *Error) {
	c, err := part()
	if err != nil || p.token != word {
		return c, err
	}
	joined := &Condition{Op: word, Parts: []*Condition{c}}
	for p.token == word {
		if err := p.next(); err != nil {
			return nil, err
		}
		if c, err = part(); err != nil {
			return nil, err
		}
		joined.Parts = append(joined.Parts, c)
	}
	return joined, nil
}

func (p *conditionParser) factor() (c *Condition, err *Error) {
	if p.depth++; p.depth > request.MaxDepth {
		return nil, Errorf(p.at, problem.ConditionTooDeep, "more than %d levels of brackets: %w", request.MaxDepth, request.ErrLimit)
	}
	defer func() { p.depth-- }()
	switch p.token {
	case "not":
		if err := p.next(); err != nil {
			return nil, err
		}
		if c, err = p.factor(); err != nil {
			return nil, err
		}
		return &Condition{Op: "not", Parts: []*Condition{c}}, nil
	case "(":
		opened := p.at
		if err := p.next(); err != nil {
			return nil, err
		}
		if c, err = p.or(); err != nil {
			return nil, err
		}
		switch p.token {
		case "":
			return nil, Errorf(opened, problem.BracketUnclosed, "a %s is not closed by %s", "(", ")")
		case ")":
			return c, p.next()
		}
		return nil, p.expected("and, or, or )")
	}
	return p.comparison()
}

func (p *conditionParser) comparison() (*Condition, *Error) {
	left, err := p.operand()
	if err != nil {
		return nil, err
	}
	c := &Condition{Op: p.token, Left: left}
	switch right := operatorHabits[strings.ToLower(p.token)]; {
	case slices.Contains(comparisons, p.token):
	case right != "":
		return nil, p.habit(right)
	case p.token == "|":
		return nil, Errorf(p.at, problem.ConditionFilter, "a condition has no filters")
	case (left.Number || left.Literal.Kind == rawjson.String) && p.endsComparison():
		err := p.expected("a comparison: the name is written again, as in a == 'x' or a == 'y', or values listed, as in a in ('x', 'y')")
		err.Offset, err.Length = left.At, left.End-left.At
		return nil, err
	default:
		return nil, p.expected("a comparison such as == 'sent', one of " + strings.Join(comparisons, " "))
	}
	if err := p.next(); err != nil {
		return nil, err
	}
	if p.token == "(" {
		if c.Op != "in" {
			return nil, Errorf(p.at, problem.ConditionList, "a list in brackets stands behind in only")
		}
		c.List = true
		c.Right, err = p.list()
		return c, err
	}
	at, end := p.at, p.end
	right, err := p.operand()
	switch {
	case c.Op == "in" && at < end && p.src[at] == '[' && (err != nil && err.Offset < end || p.token == ","):
		return nil, Errorf(at, problem.ConditionSquare, "a list is written in round brackets, with texts in quotes: a in ('x', 'y')")
	case err != nil:
		return nil, err
	case c.Op == "in":
		err = fixedList(right)
	case c.Op == "contains":
		err = fixedList(left)
	}
	c.Right = []Operand{right}
	return c, err
}

// endsComparison reports whether the token can stand behind a comparison.
func (p *conditionParser) endsComparison() bool {
	return p.token == "" || p.token == "and" || p.token == "or" || p.token == ")"
}

// fixedList returns an error if what in and contains look into is a fixed value, such as a
// list that is written as a text: a part of it, and the empty text, would be in it.
func fixedList(o Operand) *Error {
	if o.Name != "" {
		return nil
	}
	err := Errorf(o.At, problem.ConditionFixedList, "in and contains look into a name or a list, not into a fixed value: a list is written a in ('x', 'y')")
	err.Length = o.End - o.At
	return err
}

func (p *conditionParser) list() (list []Operand, err *Error) {
	opened := p.at
	for {
		if err := p.next(); err != nil { // the ( or the ,
			return nil, err
		}
		o, err := p.operand()
		if err != nil {
			return nil, err
		}
		list = append(list, o)
		switch p.token {
		case ")":
			return list, p.next()
		case "":
			return nil, Errorf(opened, problem.BracketUnclosed, "a %s is not closed by %s", "(", ")")
		case ",":
		default:
			return nil, p.expected("a comma or )")
		}
	}
}

// operand reads a name or a literal.
func (p *conditionParser) operand() (o Operand, err *Error) {
	o.Node = Node{Offset: p.at, At: p.at, End: p.end}
	switch {
	case p.token == "" || isOperator(p.token):
		return o, p.expected("a name, a text in quotes or a number")
	case p.operands == request.MaxPlaceholders:
		return o, Errorf(p.at, problem.ConditionTooManyOf, "more than %d names and values: %w", request.MaxPlaceholders, request.ErrLimit)
	}
	p.operands++
	x := expr{src: p.token, View: View{Text: p.token, base: p.at}}
	if IsDecimal(p.token) {
		if len(p.token) > 20 {
			return o, x.errorf(problem.NumberTooLong, "a number of %d characters, at most %d", len(p.token), 20)
		}
		o.Literal, o.Number = field.Number(p.token), true
	} else if err = x.operand(&o.Node); err == nil && x.i < len(x.src) {
		err = x.errorf(problem.ConditionExpected, "expected %s, found %s", "a blank", x.found())
	}
	if err != nil {
		return o, err
	}
	return o, p.next()
}

func isOperator(token string) bool {
	switch token {
	case "(", ")", ",", "and", "or", "not":
		return true
	}
	return slices.Contains(comparisons, token)
}

// IsDecimal reports whether a word is a number such as -12.50.
func IsDecimal(word string) bool {
	whole, fraction, point := strings.Cut(strings.TrimPrefix(word, "-"), ".")
	digits := func(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }
	return digits(whole) && (!point || digits(fraction))
}

// expected returns an error about the token at the current place. It quotes no text in
// quotes, which is a value.
func (p *conditionParser) expected(what string) *Error {
	found := "the end"
	switch {
	case p.token == "":
	case p.token[0] == '\'' || p.token[0] == '"':
		found = "a text in quotes"
	default:
		token := []rune(p.token)
		found = fmt.Sprintf("%q", string(token[:min(len(token), 20)]))
	}
	err := Errorf(p.at, problem.ConditionExpected, "expected %s, found %s", what, found)
	err.Length = len(p.token)
	return err
}
