package enginetest

import "testing"

// CheckNames returns the names of all subtests of TestEngine.
func CheckNames() (names []string) {
	for _, c := range checks() {
		names = append(names, c.name)
	}
	return names
}

// CheckEngine runs one of them, to see how it fails.
func CheckEngine(t testing.TB, name string, open OpenFunc) {
	for _, c := range checks() {
		if c.name == name {
			c.do(t, open)
			return
		}
	}
	t.Fatalf("no check %q", name)
}
