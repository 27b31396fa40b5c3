package timeform_test

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook/internal/timeform"
)

// hasShape is Shape.Has, a byte at a time.
func hasShape(shape, s string) bool {
	if len(s) != len(shape) {
		return false
	}
	for i := range len(s) {
		if c := s[i]; c != shape[i] && (shape[i] != '0' || c < '0' || c > '9') {
			return false
		}
	}
	return true
}

func TestShape(t *testing.T) {
	t.Parallel()
	for _, text := range []string{`"0000-00-00T00:00:00.000000Z"`, `"0000-00-00 00:00:00"`, `"0000000000"`, "0000-00-", "\x00\xff00é000"} {
		shape := timeform.NewShape(text)
		require.True(t, shape.Has(text))
		for _, other := range []string{"", text[1:], text + "0", text + text} {
			require.False(t, shape.Has(other), other)
		}
		for i := range text {
			for c := range 256 {
				b := []byte(text)
				for j := range b { // digits wherever one may be
					if b[j] == '0' {
						b[j] += byte(rand.IntN(10))
					}
				}
				b[i] = byte(c)
				require.Equal(t, hasShape(text, string(b)), shape.Has(string(b)), "%q", b)
			}
		}
	}
}
