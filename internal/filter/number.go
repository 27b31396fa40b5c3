package filter

import (
	"math/big"
	"strconv"
	"strings"
	"sync"

	"github.com/ringhook/webhook/internal/field"
	"github.com/ringhook/webhook/internal/problem"
	"github.com/ringhook/webhook/internal/rawjson"
)

const (
	// maxNumber is the most characters of a number, written without exponent: no amount
	// is longer, and it bounds the cost of a computation. It is also the limit of
	// results, so that the next filter can compute with them.
	maxNumber = 64
	// maxPlaces is the number of digits after the point of a quotient that does not
	// end, and the most that round accepts.
	maxPlaces = 20
)

var (
	errNoNumber = problem.Errorf(problem.NoNumber, "the value is not a number")
	errDigits   = problem.Errorf(problem.TooManyDigits, "the number has too many digits")
)

// A decimal is the number coef / 10^scale. A scale above zero means that it was written
// with a fraction, even if that is zero: divided_by drops the fraction only if neither
// side has one, and the result for a cost such as 2.0000 must not depend on its digits.
type decimal struct {
	coef  *big.Int
	scale int
}

// parseDecimal reads a JSON number, also with a plus sign, leading zeros or blanks
// around it. It keeps the coefficient in coef.
func parseDecimal(coef *big.Int, s string) (decimal, error) {
	if len(s) > 4*maxNumber { // a long text may be read for each of many numbers
		return decimal{}, errNoNumber
	}
	s = strings.TrimSpace(s)
	unsigned := strings.TrimLeft(s, "+-")
	if len(s)-len(unsigned) > 1 {
		return decimal{}, errNoNumber
	}
	mantissa, exp, ok := cutExponent(unsigned)
	integer, fraction, point := strings.Cut(mantissa, ".")
	if !ok || !isDigits(integer) || point && !isDigits(fraction) {
		return decimal{}, errNoNumber
	}
	d := decimal{coef, len(fraction) - exp}
	if len(s) > maxNumber || len(integer)+exp > maxNumber || d.scale > maxNumber {
		return decimal{}, errDigits
	}
	if len(integer)+len(fraction) <= 18 {
		n := int64(0)
		for _, digits := range [2]string{integer, fraction} {
			for _, c := range []byte(digits) {
				n = n*10 + int64(c-'0')
			}
		}
		coef.SetInt64(n)
	} else {
		coef.SetString(integer+fraction, 10)
	}
	if s[0] == '-' {
		coef.Neg(coef)
	}
	if d.scale < 0 {
		d = d.rescale(new(big.Int), 0)
	}
	return d, nil
}

// cutExponent returns the text before the exponent, and the exponent. An exponent that
// is far too large is returned as 1000.
func cutExponent(s string) (mantissa string, exp int, ok bool) {
	i := strings.IndexAny(s, "eE")
	if i < 0 {
		return s, 0, true
	}
	digits := strings.TrimLeft(s[i+1:], "+-")
	if len(s[i+1:])-len(digits) > 1 || !isDigits(digits) {
		return s, 0, false
	}
	for _, c := range []byte(digits) {
		exp = min(exp*10+int(c-'0'), 1000)
	}
	if s[i+1] == '-' {
		exp = -exp
	}
	return s[:i], exp, true
}

func isDigits(s string) bool {
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return s != ""
}

// value writes the number in full, with at most one zero at the end of its fraction.
func (d decimal) value() (field.Value, error) {
	var space [2 * maxNumber]byte
	digits := space[:0]
	if d.coef.IsInt64() {
		digits = strconv.AppendInt(digits, d.coef.Int64(), 10) // allocates nothing
	} else {
		digits = d.coef.Append(digits, 10)
	}
	neg := digits[0] == '-'
	if neg {
		digits = digits[1:]
	}
	scale := d.scale
	for scale > 1 && len(digits) > 1 && digits[len(digits)-1] == '0' {
		digits, scale = digits[:len(digits)-1], scale-1
	}
	if d.coef.Sign() == 0 {
		scale = min(scale, 1)
	}
	var full [2*maxNumber + 3]byte
	out := full[:0]
	if neg {
		out = append(out, '-')
	}
	point := len(digits) - scale
	if point <= 0 {
		out = append(out, '0')
	} else {
		out = append(out, digits[:point]...)
	}
	if scale > 0 {
		out = append(out, '.')
		for ; point < 0; point++ {
			out = append(out, '0')
		}
		out = append(out, digits[point:]...)
	}
	if len(out) > maxNumber {
		return field.Value{}, errDigits
	}
	return field.Number(string(out)), nil
}

var (
	// powers has as many powers of ten as the operations need: for the digits of a
	// number, and the places of a quotient.
	powers = func() (t [maxNumber + maxPlaces + 1]*big.Int) {
		t[0] = big.NewInt(1)
		for i := range len(t) - 1 {
			t[i+1] = new(big.Int).Mul(t[i], big.NewInt(10))
		}
		return t
	}()
	one = powers[0]
)

// A workspace has the memory of one computation. Workspaces come from a pool, so that a
// filter allocates nothing but its result.
type workspace struct {
	value, x, y big.Int // operands
	z, r        big.Int // the result, and the remainder of a division
}

var workspaces = sync.Pool{New: func() any { return new(workspace) }}

// arithmetic returns a filter that reads a value as a number and computes with it.
func arithmetic(compute func(*workspace, decimal) decimal) filterFunc {
	return func(v field.Value) (field.Value, error) {
		w := workspaces.Get().(*workspace)
		defer workspaces.Put(w)
		d, err := readNumber(&w.value, v)
		if err != nil {
			return v, err
		}
		return compute(w, d).value()
	}
}

// readNumber reads a value as a number, and keeps the coefficient in coef. As in Liquid,
// no value is zero. So is the empty text, which is written like no value in all places.
func readNumber(coef *big.Int, v field.Value) (decimal, error) {
	if v.Empty() {
		return decimal{coef.SetInt64(0), 0}, nil
	}
	return someNumber(coef, v)
}

// someNumber reads a value that is not empty. A text may also have the number as people
// write it.
func someNumber(coef *big.Int, v field.Value) (decimal, error) {
	if v.Kind != rawjson.Number && v.Kind != rawjson.String {
		return decimal{}, errNoNumber
	}
	d, err := parseDecimal(coef, v.Text)
	if err == errNoNumber && v.Kind == rawjson.String { //nolint:errorlint // it is returned as it is
		if plain, ok := plainNumber(v.Text); ok {
			return parseDecimal(coef, plain)
		}
	}
	return d, err
}

// plainNumber returns a number as JSON has it that was written with a decimal comma, with
// marks between its thousands, or with no digit on one side of its point: 12,50 and
// 1,234.50 and .5. It reports false where a mark may be either, as in 1,234.
func plainNumber(s string) (plain string, ok bool) {
	if len(s) > 4*maxNumber {
		return "", false
	}
	s = strings.TrimSpace(s)
	unsigned := strings.TrimLeft(s, "+-")
	sign := s[:len(s)-len(unsigned)]
	point, group := ".", ","
	if strings.LastIndexByte(unsigned, ',') > strings.LastIndexByte(unsigned, '.') {
		point, group = group, point
	}
	if strings.Count(unsigned, point) > 1 {
		point, group = group, point
	}
	integer, fraction, found := strings.Cut(unsigned, point)
	grouped := strings.Contains(integer, group)
	switch {
	case grouped:
		if integer, ok = ungroup(integer, group); !ok {
			return "", false
		}
	case !found:
		return "", false
	case point == "," && len(fraction) == 3 && len(integer) <= 3 && !strings.HasPrefix(integer, "0"):
		return "", false
	}
	if fraction == "" && point == "." && integer != "" {
		fraction = "0"
	}
	if !isDigits("0"+integer) || found && !isDigits(fraction) {
		return "", false
	}
	plain = sign + "0" + integer
	if found {
		plain += "." + fraction
	}
	return plain, true
}

// ungroup removes the marks between thousands, or between lakhs and crores.
func ungroup(s, mark string) (digits string, ok bool) {
	parts := strings.Split(s, mark)
	for i, part := range parts {
		least := 2
		if i == 0 {
			least = 1
		} else if i == len(parts)-1 {
			least = 3
		}
		if !isDigits(part) || len(part) < least || len(part) > 3 {
			return "", false
		}
	}
	return strings.Join(parts, ""), true
}

// rescale returns d with more digits after the point, all zero. It uses z if it adds any.
func (d decimal) rescale(z *big.Int, scale int) decimal {
	if scale == d.scale {
		return d
	}
	return decimal{z.Mul(d.coef, powers[scale-d.scale]), scale}
}

// align gives two numbers the same scale.
func (w *workspace) align(d, e decimal) (decimal, decimal) {
	scale := max(d.scale, e.scale)
	return d.rescale(&w.x, scale), e.rescale(&w.y, scale)
}

func abs(_ *workspace, d decimal) decimal { return decimal{d.coef.Abs(d.coef), d.scale} }

func atLeast(w *workspace, d, e decimal) decimal {
	if x, y := w.align(d, e); x.coef.Cmp(y.coef) < 0 {
		return e
	}
	return d
}

func atMost(w *workspace, d, e decimal) decimal {
	if x, y := w.align(d, e); x.coef.Cmp(y.coef) > 0 {
		return e
	}
	return d
}

func plus(w *workspace, d, e decimal) decimal {
	d, e = w.align(d, e)
	return decimal{w.z.Add(d.coef, e.coef), d.scale}
}

func minus(w *workspace, d, e decimal) decimal {
	d, e = w.align(d, e)
	return decimal{w.z.Sub(d.coef, e.coef), d.scale}
}

func times(w *workspace, d, e decimal) decimal {
	return decimal{w.z.Mul(d.coef, e.coef), d.scale + e.scale}
}

// dividedBy returns the quotient. For two whole numbers it is whole, rounded towards
// minus infinity. Otherwise it has maxPlaces digits after the point, the last one
// rounded half away from zero.
func dividedBy(w *workspace, d, e decimal) decimal {
	if d.scale == 0 && e.scale == 0 {
		return decimal{w.floorDiv(d.coef, e.coef), 0}
	}
	w.x.Mul(d.coef, powers[e.scale+maxPlaces])
	w.y.Mul(e.coef, powers[d.scale])
	return decimal{w.roundDiv(&w.x, &w.y), maxPlaces}
}

// modulo returns the remainder of the floored quotient. It has the sign of e.
func modulo(w *workspace, d, e decimal) decimal {
	d, e = w.align(d, e)
	w.floorDiv(d.coef, e.coef)
	return decimal{&w.r, d.scale}
}

// round rounds to places digits after the point, half away from zero.
func round(w *workspace, d decimal, places int) decimal {
	if places >= d.scale {
		return d
	}
	r := decimal{w.roundDiv(d.coef, powers[d.scale-places]), places}
	if places < 0 {
		return r.rescale(&w.x, 0)
	}
	return r
}

func floor(w *workspace, d decimal) decimal {
	return decimal{w.floorDiv(d.coef, powers[d.scale]), 0}
}

func ceil(w *workspace, d decimal) decimal {
	z := w.floorDiv(w.x.Neg(d.coef), powers[d.scale])
	return decimal{z.Neg(z), 0}
}

// floorDiv divides and rounds towards minus infinity. The remainder is in w.r.
func (w *workspace) floorDiv(n, d *big.Int) *big.Int {
	w.z.QuoRem(n, d, &w.r)
	if w.r.Sign() != 0 && w.r.Sign() != d.Sign() {
		w.z.Sub(&w.z, one)
		w.r.Add(&w.r, d)
	}
	return &w.z
}

// roundDiv divides and rounds half away from zero.
func (w *workspace) roundDiv(n, d *big.Int) *big.Int {
	w.z.QuoRem(n, d, &w.r)
	switch {
	case w.r.Lsh(&w.r, 1).CmpAbs(d) < 0:
	case n.Sign() == d.Sign():
		w.z.Add(&w.z, one)
	default:
		w.z.Sub(&w.z, one)
	}
	return &w.z
}
