package filter

import (
	"errors"
	"math/big"
	"strings"

	"github.com/ringhook/webhook/internal/field"
	"github.com/ringhook/webhook/internal/rawjson"
)

const (
	// maxNumber is how many characters a number may have, written without exponent: nobody is billed more, and it bounds
	// what a computation takes. It holds for results too, so that each can be computed with.
	maxNumber = 64
	// maxPlaces is how many digits behind the point a quotient has that does not end, and how many round knows.
	maxPlaces = 20
)

var (
	errNoNumber = errors.New("the value is no number")
	errDigits   = errors.New("the number has too many digits")
)

// A decimal is the number coef / 10^scale. A scale above zero says that it was written with a fraction, even one of zero:
// divided_by cuts the fraction only where neither side has one, and what a cost such as 2.0000 gives must not depend on
// its digits.
type decimal struct {
	coef  *big.Int
	scale int
}

// parseDecimal reads a number as JSON has it, also with a plus sign or leading zeros, and with blanks around it.
func parseDecimal(s string) (decimal, error) {
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
	d := decimal{scale: len(fraction) - exp}
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
		d.coef = big.NewInt(n)
	} else {
		d.coef, _ = new(big.Int).SetString(integer+fraction, 10)
	}
	if s[0] == '-' {
		d.coef.Neg(d.coef)
	}
	if d.scale < 0 {
		d = d.rescale(0)
	}
	return d, nil
}

// cutExponent returns what is before the exponent, and the exponent. One that is far too great is returned as 1000.
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
	digits := d.coef.Append(space[:0], 10)
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
	if max(len(digits), scale) > maxNumber {
		return field.Value{}, errDigits
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

// rescale returns d with more digits behind the point, all zero.
func (d decimal) rescale(scale int) decimal {
	if scale == d.scale {
		return d
	}
	return decimal{new(big.Int).Mul(d.coef, pow10(scale-d.scale)), scale}
}

func pow10(n int) *big.Int {
	return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil)
}

func (d decimal) plus(e decimal) decimal {
	scale := max(d.scale, e.scale)
	d, e = d.rescale(scale), e.rescale(scale)
	return decimal{new(big.Int).Add(d.coef, e.coef), scale}
}

func (d decimal) minus(e decimal) decimal {
	return d.plus(decimal{new(big.Int).Neg(e.coef), e.scale})
}

func (d decimal) times(e decimal) decimal {
	return decimal{new(big.Int).Mul(d.coef, e.coef), d.scale + e.scale}
}

// dividedBy is the whole quotient, towards minus infinity, of whole numbers; of others it has maxPlaces digits behind the
// point, the last one rounded half up.
func (d decimal) dividedBy(e decimal) decimal {
	if d.scale == 0 && e.scale == 0 {
		q, _ := floorDiv(d.coef, e.coef)
		return decimal{q, 0}
	}
	n := new(big.Int).Mul(d.coef, pow10(e.scale+maxPlaces))
	return decimal{roundDiv(n, new(big.Int).Mul(e.coef, pow10(d.scale))), maxPlaces}
}

// modulo is what the floored quotient leaves: it has the sign of e.
func (d decimal) modulo(e decimal) decimal {
	scale := max(d.scale, e.scale)
	_, r := floorDiv(d.rescale(scale).coef, e.rescale(scale).coef)
	return decimal{r, scale}
}

// round rounds to places digits behind the point, half away from zero.
func (d decimal) round(places int) decimal {
	if places >= d.scale {
		return d
	}
	r := decimal{roundDiv(d.coef, pow10(d.scale-places)), places}
	if places < 0 {
		return r.rescale(0)
	}
	return r
}

func (d decimal) floor() decimal {
	q, _ := floorDiv(d.coef, pow10(d.scale))
	return decimal{q, 0}
}

func (d decimal) ceil() decimal {
	neg := decimal{new(big.Int).Neg(d.coef), d.scale}.floor()
	return decimal{neg.coef.Neg(neg.coef), 0}
}

// floorDiv divides towards minus infinity.
func floorDiv(n, d *big.Int) (q, r *big.Int) {
	q, r = new(big.Int).QuoRem(n, d, new(big.Int))
	if r.Sign() != 0 && r.Sign() != d.Sign() {
		q.Sub(q, big.NewInt(1))
		r.Add(r, d)
	}
	return q, r
}

// roundDiv divides and rounds half away from zero.
func roundDiv(n, d *big.Int) *big.Int {
	q, r := new(big.Int).QuoRem(n, d, new(big.Int))
	if r.Lsh(r, 1).CmpAbs(d) >= 0 {
		q.Add(q, big.NewInt(int64(n.Sign()*d.Sign())))
	}
	return q
}

// arithmetic makes a filter of what to do with the number that a value is. As in Liquid, no value is zero; so is the empty
// text, which every place writes alike.
func arithmetic(compute func(decimal) decimal) apply {
	return func(v field.Value) (field.Value, error) {
		s := "0"
		switch {
		case v.Kind == rawjson.Number || v.Kind == rawjson.String && v.Text != "":
			s = v.Text
		case !v.Empty():
			return v, errNoNumber
		}
		d, err := parseDecimal(s)
		if err != nil {
			return v, err
		}
		return compute(d).value()
	}
}
