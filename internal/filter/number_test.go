package filter_test

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook/internal/field"
	"github.com/ringhook/webhook/internal/filter"
)

// randomNumber returns a number of up to n digits, perhaps with a sign, a fraction and
// an exponent.
func randomNumber(r *rand.Rand, n int) string {
	digits := func(n int) string {
		var b strings.Builder
		for range n {
			b.WriteByte("0123456789"[r.IntN(10)])
		}
		return b.String()
	}
	s := []string{"", "-"}[r.IntN(2)]
	s += []string{"0", fmt.Sprint(1 + r.IntN(9)), fmt.Sprint(1+r.IntN(9)) + digits(r.IntN(n))}[r.IntN(3)]
	if r.IntN(2) == 0 {
		s += "." + digits(1+r.IntN(n))
	}
	if r.IntN(4) == 0 {
		s += fmt.Sprintf("e%d", r.IntN(13)-6)
	}
	return s
}

func rat(t testing.TB, s string) *big.Rat {
	t.Helper()
	x, ok := new(big.Rat).SetString(s)
	require.True(t, ok, s)
	return x
}

// floorRat returns the greatest whole number that is not above x. Rat keeps its
// denominator positive: then Euclidean division rounds towards minus infinity.
func floorRat(x *big.Rat) *big.Rat {
	return new(big.Rat).SetInt(new(big.Int).Div(x.Num(), x.Denom()))
}

// roundRat rounds to digits after the point, half away from zero.
func roundRat(x *big.Rat, digits int) *big.Rat {
	unit := big.NewRat(1, 1)
	for range max(digits, -digits) {
		unit.Mul(unit, big.NewRat(10, 1))
	}
	if digits < 0 {
		unit.Inv(unit)
	}
	abs := new(big.Rat).Abs(x)
	abs = floorRat(abs.Add(abs.Mul(abs, unit), big.NewRat(1, 2)))
	abs.Quo(abs, unit)
	if x.Sign() < 0 {
		abs.Neg(abs)
	}
	return abs
}

// hasFraction reports whether a number is written with a fraction when it is
// written in full.
func hasFraction(s string) bool {
	mantissa, exp, _ := strings.Cut(s, "e")
	_, fraction, _ := strings.Cut(mantissa, ".")
	n := 0
	_, _ = fmt.Sscan(exp, &n)
	return len(fraction) > n
}

func TestNumbers_Oracle(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	done := 0
	for i := range 2_000 {
		x, y := randomNumber(r, 1+i%14), randomNumber(r, 1+i%13)
		a, b := rat(t, x), rat(t, y)
		apply := func(name string, want *big.Rat, args ...any) {
			out, err := compile(t, name, args...).Apply(field.Number(x))
			if err != nil && len(x)+len(y) > 32 {
				require.EqualError(t, err, name+": the number has too many digits")
				return
			}
			require.NoError(t, err, "%s %s %v", x, name, args)
			done++
			require.Zero(t, want.Cmp(rat(t, out.Text)), "%s %s %v: %s", x, name, args, out.Text)
			require.NotContains(t, out.Text, "e")
			require.False(t, strings.Contains(out.Text, ".") && strings.HasSuffix(out.Text, "00"), out.Text)
			require.False(t, strings.HasPrefix(out.Text, "-0") && want.Sign() == 0, out.Text)
			require.Equal(t, out.Text, field.FromJSON(out.Text).String())
		}
		apply("plus", new(big.Rat).Add(a, b), y)
		apply("minus", new(big.Rat).Sub(a, b), y)
		apply("times", new(big.Rat).Mul(a, b), y)
		apply("floor", floorRat(a))
		apply("abs", new(big.Rat).Abs(a))
		less, greater := a, b
		if a.Cmp(b) > 0 {
			less, greater = b, a
		}
		apply("at_least", greater, y)
		apply("at_most", less, y)
		apply("ceil", new(big.Rat).Neg(floorRat(new(big.Rat).Neg(a))))
		places := r.IntN(12) - 4
		apply("round", roundRat(a, places), places)
		if b.Sign() == 0 {
			continue
		}
		quotient := new(big.Rat).Quo(a, b)
		apply("modulo", new(big.Rat).Sub(a, new(big.Rat).Mul(b, floorRat(quotient))), y)
		if hasFraction(x) || hasFraction(y) {
			apply("divided_by", roundRat(quotient, 20), y)
		} else {
			apply("divided_by", floorRat(quotient), y)
		}
	}
	require.Greater(t, done, 10_000)
}

// The next filter accepts every result of a filter.
func TestNumbers_Chain(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 4))
	names := []string{"plus", "minus", "times", "divided_by", "modulo"}
	for range 200 {
		v := field.Number(randomNumber(r, 30))
		for range 20 {
			out, err := compile(t, names[r.IntN(len(names))], "1."+fmt.Sprint(1+r.IntN(1e9))).Apply(v)
			if err != nil {
				require.ErrorContains(t, err, ": the number has too many digits")
				break
			}
			_, err = compile(t, "plus", 0).Apply(out)
			require.NoError(t, err)
			v = out
		}
	}
}

func BenchmarkApply(b *testing.B) {
	list := field.FromJSON(`["a","b","c","d"]`)
	bench := []struct {
		filter string
		args   args
		in     field.Value
	}{
		{"slice", args{-10}, field.Text("918919521234")},
		{"default", args{"there"}, field.Null},
		{"strip", nil, field.Text(" Zoë ")},
		{"upcase", nil, field.Text("Zoë")},
		{"append", args{"!"}, field.Text("Zoë")},
		{"replace", args{"o", "0"}, field.Text("Zoë")},
		{"escape", nil, field.Text("Tom & Jerry")},
		{"url_encode", nil, field.Text("Tom & Jerry")},
		{"truncate", args{5}, field.Text("Tom & Jerry")},
		{"split", args{","}, field.Text("a,b,c,d")},
		{"join", args{", "}, list},
		{"last", nil, list},
		{"size", nil, list},
		{"map", args{"a"}, field.FromJSON(`[{"a":1},{"a":2}]`)},
		{"uniq", nil, list},
		{"sum", nil, field.FromJSON(`[1,"2",3.5]`)},
		{"translate", args{"ANSWER", 1, "BUSY", 2}, field.Text("BUSY")},
		{"strip_html", nil, field.Text("Tom <b>& Jerry</b>")},
		{"sha256", nil, field.Text("918919521234")},
		{"plus", args{1}, field.Text("23")},
		{"times", args{"0.0150"}, field.Text("23")},
		{"divided_by", args{60}, field.Text("125")},
		{"divided_by", args{"60.0"}, field.Text("125")},
		{"round", args{2}, field.Number("183.357")},
		{"date_format", args{"d/m/Y"}, field.Text("2021-04-09 16:27:39")},
		{"date", args{"%d/%m/%Y"}, field.Text("2021-04-09 16:27:39")},
		{"date_format", args{"d/m/Y H:i", "Asia/Kolkata"}, field.Text("2021-06-18T14:48:06.886358Z")},
	}
	for _, bb := range bench {
		f, err := filter.Compile(bb.filter, literals(bb.args...))
		require.NoError(b, err)
		b.Run(fmt.Sprint(bb.filter, bb.args), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, _ = f.Apply(bb.in)
			}
		})
	}
}
