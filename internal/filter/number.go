package filter

import (
	"errors"
	"math/big"
	"strconv"
	"strings"
	"sync"

	"github.com/ringhook/webhook/internal/field"
	"github.com/ringhook/webhook/internal/rawjson"
)

const (
	// maxNumber is how many characters a number may have, written without exponent:
	// nobody is billed more, and it bounds what a computation takes. It holds for
	// results too, so that each can be computed with.
	maxNumber = 64
	// maxPlaces is how many digits behind the point a quotient has that does not end,
	// and how many round knows.
	maxPlaces = 20
)

var (
	errNoNumber = errors.New("the value is not a number")
	errDigits   = errors.New("the number has too many digits")
)

// A decimal is the number coef / 10^scale. A scale above zero says that it was written
// with a fraction, even one of zero: divided_by cuts the fraction only where neither
// side has one, and what a cost such as 2.0000 gives must not depend on its digits.
type decimal struct {
	coef  *big.Int
	scale int
}

// parseDecimal reads a number as JSON has it, also with a plus sign or leading zeros,
// and with blanks around it. Its coefficient is coef.
func parseDecimal(coef *big.Int, s string) (decimal, error) {
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

// cutExponent returns what is before the exponent, and the exponent. One that is far
// too great is returned as 1000.
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

// value writes the number in full, with no more zeros than one behind the point.
func (d decimal) value() (field.Value, error) {
	var space [2 * maxNumber]byte
	digits := space[:0]
	if d.coef.IsInt64() {
		digits = strconv.AppendInt(digits, d.coef.Int64(), 10) // which allocates nothing
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

// Powers of ten, as many as operations need: of a number's digits, and the places
// of a quotient.
var (
	powers = func() (t [maxNumber + maxPlaces + 1]*big.Int) {
		t[0] = big.NewInt(1)
		for i := range len(t) - 1 {
			t[i+1] = new(big.Int).Mul(t[i], big.NewInt(10))
		}
		return t
	}()
	one = powers[0]
)

// A desk is where numbers are computed. They come from a pool, so that a filter
// allocates nothing but its result.
type desk struct {
	value, x, y big.Int // operands
	z, r        big.Int // a result, and what a division leaves
}

var desks = sync.Pool{New: func() any { return new(desk) }}

// arithmetic makes a filter of what to do with the number that a value is. As in
// Liquid, no value is zero; so is the empty text, which every place writes alike.
func arithmetic(compute func(*desk, decimal) decimal) apply {
	return func(v field.Value) (field.Value, error) {
		s := "0"
		switch {
		case v.Kind == rawjson.Number || v.Kind == rawjson.String && v.Text != "":
			s = v.Text
		case !v.Empty():
			return v, errNoNumber
		}
		w := desks.Get().(*desk)
		defer desks.Put(w)
		d, err := parseDecimal(&w.value, s)
		if err != nil {
			return v, err
		}
		return compute(w, d).value()
	}
}

// rescale returns d with more digits behind the point, all zero, in z if there are more.
func (d decimal) rescale(z *big.Int, scale int) decimal {
	if scale == d.scale {
		return d
	}
	return decimal{z.Mul(d.coef, powers[scale-d.scale]), scale}
}

// align gives two numbers the same scale.
func (w *desk) align(d, e decimal) (decimal, decimal) {
	scale := max(d.scale, e.scale)
	return d.rescale(&w.x, scale), e.rescale(&w.y, scale)
}

func plus(w *desk, d, e decimal) decimal {
	d, e = w.align(d, e)
	return decimal{w.z.Add(d.coef, e.coef), d.scale}
}

func minus(w *desk, d, e decimal) decimal {
	d, e = w.align(d, e)
	return decimal{w.z.Sub(d.coef, e.coef), d.scale}
}

func times(w *desk, d, e decimal) decimal {
	return decimal{w.z.Mul(d.coef, e.coef), d.scale + e.scale}
}

// dividedBy is the whole quotient, towards minus infinity, of whole numbers; of others
// it has maxPlaces digits behind the point, the last one rounded half away from zero.
func dividedBy(w *desk, d, e decimal) decimal {
	if d.scale == 0 && e.scale == 0 {
		return decimal{w.floorDiv(d.coef, e.coef), 0}
	}
	w.x.Mul(d.coef, powers[e.scale+maxPlaces])
	w.y.Mul(e.coef, powers[d.scale])
	return decimal{w.roundDiv(&w.x, &w.y), maxPlaces}
}

// modulo is what the floored quotient leaves: it has the sign of e.
func modulo(w *desk, d, e decimal) decimal {
	d, e = w.align(d, e)
	w.floorDiv(d.coef, e.coef)
	return decimal{&w.r, d.scale}
}

// round rounds to places digits behind the point, half away from zero.
func round(w *desk, d decimal, places int) decimal {
	if places >= d.scale {
		return d
	}
	r := decimal{w.roundDiv(d.coef, powers[d.scale-places]), places}
	if places < 0 {
		return r.rescale(&w.x, 0)
	}
	return r
}

func floor(w *desk, d decimal) decimal {
	return decimal{w.floorDiv(d.coef, powers[d.scale]), 0}
}

func ceil(w *desk, d decimal) decimal {
	z := w.floorDiv(w.x.Neg(d.coef), powers[d.scale])
	return decimal{z.Neg(z), 0}
}

// floorDiv divides towards minus infinity.
func (w *desk) floorDiv(n, d *big.Int) *big.Int {
	w.z.QuoRem(n, d, &w.r)
	if w.r.Sign() != 0 && w.r.Sign() != d.Sign() {
		w.z.Sub(&w.z, one)
		w.r.Add(&w.r, d)
	}
	return &w.z
}

// roundDiv divides and rounds half away from zero.
func (w *desk) roundDiv(n, d *big.Int) *big.Int {
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
