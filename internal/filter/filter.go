// Package filter has the filters of the template language, which follow a name and a |,
// as in {{payload.to | slice: -10}}. They are the filters of Shopify's Liquid that the
// platform's documents list, more of Liquid's that were asked for, and a few of our own. See
// table for what each of them does, and where it differs from Liquid.
package filter

import (
	"errors"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ringhook/webhook/internal/field"
	"github.com/ringhook/webhook/internal/problem"
	"github.com/ringhook/webhook/internal/rawjson"
	"github.com/ringhook/webhook/internal/request"
)

// MaxOutput is the most bytes that a filter's result may have.
const MaxOutput = 1 << 20

var (
	// ErrUnknown is wrapped by the error of Compile for a name that no filter has.
	ErrUnknown = errors.New("unknown filter")
	// ErrTooLong is wrapped by the error of Apply for a result of more than
	// MaxOutput bytes.
	ErrTooLong = problem.Errorf(problem.ResultTooLong, "the result is longer than %d bytes: %w", MaxOutput, request.ErrLimit)
)

// An ArgError is the error of Compile. It tells what is wrong, and with which argument.
type ArgError struct {
	// Index is the index of the argument, from 0. It is -1 if the name is wrong, or if
	// there are too few arguments.
	Index int
	Err   *problem.Error
}

func (e *ArgError) Error() string { return e.Err.Error() }

// Unwrap returns Err.
func (e *ArgError) Unwrap() error { return e.Err }

// A Filter is a filter with its arguments. It is safe for concurrent use. The zero
// Filter changes nothing.
type Filter struct {
	name  string
	work  int
	late  bool // it is made for each event, by With
	apply filterFunc
}

// A filterFunc returns the result of a filter for a value.
type filterFunc func(field.Value) (field.Value, error)

// Name returns the filter's name, as the template has it.
func (f Filter) Name() string { return f.name }

// Work returns how many bytes of arguments each Apply reads, for a caller that counts what
// filters read and write. A letter of a date pattern and a value to translate count for as
// many bytes as take the time that they do.
func (f Filter) Work() int { return f.work }

// Apply returns the filter's result for v. Its errors name the filter but do not quote v.
func (f Filter) Apply(v field.Value) (field.Value, error) {
	if f.apply == nil || v == field.Invalid {
		return v, nil // an invalid value is an error where it would be written
	}
	out, err := f.apply(v)
	if err == nil && len(out.Text) > MaxOutput {
		err = ErrTooLong
	}
	if err != nil {
		return field.Value{}, problem.InFilter(f.name, err)
	}
	return out, nil
}

// ByName is an argument that is not a literal but a name: With gets its values.
var ByName = field.Value{}

// Late reports whether the filter has arguments that are ByName.
func (f Filter) Late() bool { return f.late }

// With returns the filter for an event, with the values of its arguments there. What is
// absent is the empty text, and zero as a number. Its errors are those of Apply.
func (f Filter) With(args []field.Value) (Filter, error) {
	given := make([]field.Value, len(args))
	params := table[f.name].params
	for i, v := range args {
		given[i] = params[i%len(params)].given(v)
	}
	made, err := Compile(f.name, given)
	if bad := (*ArgError)(nil); errors.As(err, &bad) {
		return f, bad.Err
	}
	return made, err
}

// given returns the value of a name as the argument that a literal would be.
func (p param) given(v field.Value) field.Value {
	switch {
	case p == aText:
		return field.Text(v.String())
	case v.Empty() && (p == aNumber || p == aDivisor):
		return field.Number("0")
	case v.Kind == rawjson.None:
		return field.Null
	}
	return v
}

// takesNames reports whether the argument is a value that goes into the result, and no
// pattern or length. Only then it may be a name: the author bounds the cost.
func (p param) takesNames() bool { return p == anything || p == aText || p == aNumber || p == aDivisor }

// Compile returns the filter with that name. Its arguments are literals (strings, whole
// numbers, true, false and null) or ByName.
func Compile(name string, args []field.Value) (Filter, error) {
	s, ok := table[name]
	if !ok {
		return Filter{}, &ArgError{-1, unknown(name)}
	}
	if n := len(args); n < s.min || !s.pairs() && n > len(s.params) || s.pairs() && n%2 != 0 {
		at := -1
		if !s.pairs() && n > len(s.params) {
			at = len(s.params)
		}
		return Filter{}, &ArgError{at, problem.Errorf(problem.ArgumentCount, "%s takes %s, not %d", name, s.counts(), n)}
	}
	checked := make([]arg, len(args))
	work, late := 0, false
	for i, v := range args {
		p := s.params[i%len(s.params)]
		if v == ByName && p.takesNames() {
			late = true
			continue
		}
		a, err := p.check(v)
		if err != nil {
			return Filter{}, &ArgError{i, problem.InArgument(name, i, err)}
		}
		checked[i] = a
		work += len(v.Text) * p.cost()
	}
	if s.pairs() {
		if i := repeated(args); i >= 0 {
			return Filter{}, &ArgError{i, problem.Errorf(problem.ArgumentTwice, "%s: argument %d is listed before", name, i+1)}
		}
	}
	if late {
		return Filter{name: name, late: true}, nil
	}
	return Filter{name: name, work: work, apply: s.make(checked)}, nil
}

// repeated returns the index of a pair for a value that another pair before it is for, or -1.
func repeated(args []field.Value) int {
	seen := map[field.Value]bool{}
	for i := 0; i < len(args); i += 2 {
		if seen[args[i]] {
			return i
		}
		seen[args[i]] = true
	}
	return -1
}

// Names returns the names of all filters, sorted.
func Names() []string {
	return slices.Sorted(maps.Keys(table))
}

// A spec is an entry of the table.
type spec struct {
	params []param
	min    int // the number of params that are required
	make   func(a []arg) filterFunc
}

// pairs reports whether the filter takes any number of pairs.
func (s *spec) pairs() bool { return len(s.params) > 0 && s.params[0] == aKey }

func (s *spec) counts() string {
	most := len(s.params)
	switch {
	case s.pairs():
		return "pairs of arguments, a value and what replaces it"
	case most == 0:
		return "no argument"
	case s.min < most:
		return fmt.Sprintf("%d or %d arguments", s.min, most)
	case most == 1:
		return "1 argument"
	default:
		return fmt.Sprintf("%d arguments", most)
	}
}

// A param is what an argument must be.
type param byte

const (
	anything   param = iota
	aKey             // what a value may be; pairs of it and anything else follow
	aText            // a string; a number or boolean is used as text
	aSeparator       // a text to look for in another
	aPattern         // the same, but not empty
	aMember          // the name of a member
	aWhole           // a whole number
	aCount           // a whole number that is not negative
	aPlaces          // a whole number of digits
	aNumber          // a number, or a string such as '1.5': no literal has a fraction
	aDivisor         // a number that is not zero
	aFormat          // a string of PHP date letters
	aStrftime        // a string of letters of strftime
	aZone            // the name of a time zone
)

// An arg is an argument as its filter needs it.
type arg struct {
	value  field.Value
	text   string
	whole  int
	number decimal
	zone   *time.Location
}

// cost returns how many bytes a byte of the argument counts for; see Filter.Work.
func (p param) cost() int {
	switch p {
	case aFormat, aStrftime:
		return 16
	case aKey:
		return 8
	default:
		return 1
	}
}

var errRange = problem.Errorf(problem.ArgumentRange, "is out of range")

// check returns the argument, or what is wrong with it.
func (p param) check(v field.Value) (a arg, err error) {
	if v == ByName {
		return a, problem.Errorf(problem.ArgumentName, "is a name, want a fixed value")
	}
	a = arg{value: v, text: v.String()}
	switch p {
	case aText, aSeparator, aPattern, aMember:
		if v.Kind < rawjson.Bool || v.Composite() {
			return a, mismatch(v, "a text")
		}
		if p != aText && len(a.text) > request.MaxPatternSize {
			return a, problem.Errorf(problem.ArgumentTooLong, "is a text of %d bytes to look for, at most %d: %w",
				len(a.text), request.MaxPatternSize, request.ErrLimit)
		}
		if (p == aPattern || p == aMember) && a.text == "" {
			return a, problem.Errorf(problem.ArgumentEmpty, "is empty")
		}
	case aWhole, aCount, aPlaces:
		if v.Kind != rawjson.Number || strings.ContainsAny(v.Text, ".eE") {
			return a, mismatch(v, "a whole number")
		}
		n, err := strconv.ParseInt(v.Text, 10, 32)
		if err != nil || p == aCount && n < 0 || p == aPlaces && (n < -maxPlaces || n > maxPlaces) {
			return a, errRange
		}
		a.whole = int(n)
	case aNumber, aDivisor:
		if a.number, err = someNumber(new(big.Int), v); errors.Is(err, errNoNumber) {
			return a, mismatch(v, "a number")
		} else if err != nil {
			return a, errRange
		}
		if p == aDivisor && a.number.coef.Sign() == 0 {
			return a, problem.Errorf(problem.ArgumentZero, "is zero")
		}
	case aFormat:
		if v.Kind != rawjson.String {
			return a, mismatch(v, "a text")
		}
		return a, checkFormat(v.Text)
	case aStrftime:
		if v.Kind != rawjson.String {
			return a, mismatch(v, "a text")
		}
		return a, checkStrftime(v.Text)
	case aZone:
		if v.Kind != rawjson.String {
			return a, mismatch(v, "a text")
		}
		if a.zone = loadZone(v.Text); a.zone == nil {
			return a, problem.Errorf(problem.ArgumentZone, "is not a known time zone, such as 'Asia/Kolkata' or 'UTC'")
		}
	}
	return a, nil
}

func mismatch(v field.Value, want string) error {
	return problem.Errorf(problem.ArgumentKind, "is %s, want %s", kindName(v), want)
}

// kindName returns what v is, in the words of docs/templates.md.
func kindName(v field.Value) string {
	switch v.Kind {
	case rawjson.Bool:
		return "true or false"
	case rawjson.Number:
		return "a number"
	case rawjson.String:
		return "a text"
	case rawjson.Object:
		return "an object"
	case rawjson.List:
		return "a list"
	default:
		return "nil"
	}
}
