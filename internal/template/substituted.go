package template

import "sort"

// A substituted is a template with a text in place of each placeholder, as it is checked.
type substituted struct {
	nodes  []Node
	text   []byte
	starts []int // the offset of each node in text
}

// node returns the index of the node at an offset of the text, and the offset in
// the template.
func (s *substituted) node(off int) (i, source int) {
	i = sort.SearchInts(s.starts, off+1) - 1
	n := s.nodes[i]
	if n.Placeholder() {
		return i, n.Offset
	}
	return i, n.Offset + off - s.starts[i]
}

// end returns the offset of the template's end.
func (s *substituted) end() int {
	if len(s.nodes) == 0 {
		return 0
	}
	return s.nodes[len(s.nodes)-1].End
}
