package timeform

// A Shape is the spelling of times that are written in one way: a text of at least eight
// bytes, with any digit for each 0. It tells at a glance whether a text is spelled so; that
// it is a time, such as one in a month that there is, only Parse can tell.
type Shape struct {
	size  int
	words []shapeWord
}

// A shapeWord is eight bytes of a Shape. In each, what a text has in the place of a 0 is
// that byte with one of the values 0 to 9 instead of its four lower bits.
type shapeWord struct {
	at    int    // offset in the text
	bytes uint64 // as NewShape has them
	sixes uint64 // 6 for a digit: with more than 9, the sum is more than four bits
	fixed uint64 // the bits that a text must have, too
}

// NewShape returns the Shape of texts like text.
func NewShape(text string) *Shape {
	s := &Shape{size: len(text)}
	for at := 0; at < len(text); at += 8 {
		at = min(at, len(text)-8) // the last eight, some of them a second time
		w := shapeWord{at: at, bytes: word(text[at:])}
		for i := range 8 {
			if text[at+i] == '0' {
				w.sixes |= 0x06 << (8 * i)
				w.fixed |= 0xf0 << (8 * i)
			} else {
				w.fixed |= 0xff << (8 * i)
			}
		}
		s.words = append(s.words, w)
	}
	return s
}

// Has reports whether text is spelled so. It looks at eight bytes at a time, since it is
// asked for each time that is composed.
func (s *Shape) Has(text string) bool {
	if len(text) != s.size {
		return false
	}
	for _, w := range s.words {
		if other := word(text[w.at:]) ^ w.bytes; (other|(other+w.sixes))&w.fixed != 0 {
			return false
		}
	}
	return true
}

// word returns the first eight bytes of s. The compiler makes one load of it.
func word(s string) uint64 {
	_ = s[7]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}
