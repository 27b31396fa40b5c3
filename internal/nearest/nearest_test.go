package nearest_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook/internal/nearest"
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
			s := nearest.To(tt.misspelt)
			for _, known := range tt.known {
				s.Try(known)
			}
			require.Equal(t, tt.want, s.Best())
		})
	}
}

func TestWithin(t *testing.T) {
	t.Parallel()
	for edits, want := range map[int]string{0: "", 1: "", 2: "upcase", 9: "upcase"} {
		s := nearest.Within("upercase", edits)
		s.Try("upcase")
		require.Equal(t, want, s.Best(), edits)
	}
	s := nearest.Within("upcase", 0)
	s.Try("upcase")
	require.Equal(t, "upcase", s.Best())
}

// The plain algorithm finds the same names near.
func TestSearch_Distance(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	near := 0
	for range 20000 {
		a := make([]byte, r.IntN(40))
		for i := range a {
			a[i] = "abc"[r.IntN(3)]
		}
		b := slices.Clone(a)
		for range r.IntN(14) {
			i := r.IntN(len(b) + 1)
			b = slices.Replace(b, i, min(len(b), i+r.IntN(2)), []byte("abc")[:r.IntN(2)]...)
		}
		b = append(b, 'a')
		s := nearest.To(string(a))
		s.Try(string(b))
		want := ""
		if plain(string(a), string(b)) <= min(max(2, len(a)/3), len(a)-1, 8) {
			want = string(b)
			near++
		}
		require.Equal(t, want, s.Best(), "%s %s", a, b)
	}
	require.Greater(t, near, 1000)
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
