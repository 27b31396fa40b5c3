package webhook

import (
	"errors"
	"fmt"

	"github.com/ringhook/webhook/internal/field"
	"github.com/ringhook/webhook/internal/filter"
	"github.com/ringhook/webhook/internal/rawjson"
)

// maxFiltered is how much text filters may take and make for one message, some tenths of a second's work. Without it the
// filters that a template has room for would work on a large event for half a minute, and write nothing of it.
const maxFiltered = 32 * MaxOutputSize

// compute runs the filters of a placeholder.
func (r *renderer) compute(p *part, i int) (v field.Value, err error) {
	v = p.nodes[i].Literal
	if p.segments[i].name >= 0 {
		if get := r.accessors[p.first+i].behind; get != nil {
			v = get(r.p)
		}
		if v.Kind == rawjson.None {
			if v, err = r.value(p, i); err != nil {
				return v, err
			}
		}
	}
	for j, f := range p.filters[i] {
		r.filtered += len(v.Text)
		if v, err = f.Apply(v); err == nil {
			if r.filtered += len(v.Text); r.filtered > maxFiltered {
				err = fmt.Errorf("filters work on more than %d bytes: %w", maxFiltered, ErrLimit)
			}
		}
		if err != nil {
			if errors.Is(err, filter.ErrTooLong) {
				err = &reasonError{err.Error(), []error{ErrLimit}}
			}
			e := p.fault(i, err)
			e.Offset = p.nodes[i].Filters[j].At
			return v, e
		}
	}
	return v, nil
}
