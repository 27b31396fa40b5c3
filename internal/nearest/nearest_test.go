package nearest

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSearch(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, misspelt, want string
		known                []string
	}{
		{"one letter more", "upcasse", "upcase", []string{"downcase", "upcase"}},
		{"the first of several", "ab1", "ab2", []string{"ab2", "ab3"}},
		{"all of a short name", "a", "", []string{"b"}},
		{"empty", "", "", []string{"a"}},
		{"a third", "abcdefghi", "abcdef", []string{"abcdef"}},
		{"more than a third", "abcdefghi", "", []string{"abcde"}},
		{"the most edits", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaaaaaaaaabbbbbbbb", []string{"aaaaaaaaaaaaaaaaaaaaaabbbbbbbb"}},
		{"more than the most edits", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "", []string{"aaaaaaaaaaaaaaaaaaaaabbbbbbbbb"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := To(tt.misspelt)
			for _, known := range tt.known {
				s.Try(known)
			}
			require.Equal(t, tt.want, s.Best())
		})
	}
}

// The distance is that of the plain algorithm, as far as it is below the limit.
func TestDistance(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	word := func() string {
		b := make([]byte, r.IntN(14))
		for i := range b {
			b[i] = "abc"[r.IntN(3)]
		}
		return string(b)
	}
	for range 20000 {
		a, b, limit := word(), word(), 1+r.IntN(9)
		if want := plain(a, b); want < limit {
			require.Equal(t, want, distance(a, b, limit), "%s %s %d", a, b, limit)
		} else {
			require.GreaterOrEqual(t, distance(a, b, limit), limit, "%s %s %d", a, b, limit)
		}
	}
}

func plain(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		next := []int{i + 1}
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			next = append(next, min(row[j]+cost, row[j+1]+1, next[j]+1))
		}
		row = next
	}
	return row[len(b)]
}
