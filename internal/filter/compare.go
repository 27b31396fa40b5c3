package filter

import (
	"github.com/ringhook/webhook/internal/field"
	"github.com/ringhook/webhook/internal/rawjson"
)

// Compare compares two numbers, exactly. It reports false if one of the texts is no
// number, or one of too many digits.
func Compare(a, b string) (order int, ok bool) {
	w := workspaces.Get().(*workspace)
	defer workspaces.Put(w)
	x, err := parseDecimal(&w.value, a)
	if err != nil {
		return 0, false
	}
	y, err := parseDecimal(&w.r, b)
	if err != nil {
		return 0, false
	}
	x, y = w.align(x, y)
	return x.coef.Cmp(y.coef), true
}

// Equal compares two values, as conditions and translate do. If number is set, since one of
// them is a number that the author wrote, what is a number, or a text of one, is compared
// as such, and so are two numbers; else the texts are. No value is equal to no value alone.
func Equal(a, b field.Value, number bool) bool {
	if a.Kind <= rawjson.Null || b.Kind <= rawjson.Null {
		return a.Kind <= rawjson.Null && b.Kind <= rawjson.Null
	}
	if number || a.Kind == rawjson.Number && b.Kind == rawjson.Number {
		if order, ok := Compare(a.String(), b.String()); ok {
			return order == 0
		}
	}
	return a.String() == b.String()
}
