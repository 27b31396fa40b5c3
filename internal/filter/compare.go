package filter

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
