package webhook

import (
	"errors"
	"fmt"

	"github.com/ringhook/webhook/internal/field"
	"github.com/ringhook/webhook/internal/filter"
	"github.com/ringhook/webhook/internal/rawjson"
)

var errFilterWork = fmt.Errorf("all filters together take and give more than %d bytes: %w", MaxFilterWork, ErrLimit)

// compute runs the filters of a placeholder. What they take and give is counted for the whole message: each result is within
// the limits, but a small template can ask for gigabytes of them, and cut the last one down to nothing.
func (r *renderer) compute(p *part, i int) (v field.Value, err error) {
	v = p.nodes[i].Literal
	if p.segments[i].name >= 0 {
		if get := r.accessors[p.first+i].get; get != nil {
			v = get(r.p)
		}
		if v.Kind == rawjson.None {
			if v, err = r.value(p, i); err != nil {
				return v, err
			}
		}
	}
	for j, f := range p.filters[i] {
		if r.filtered += len(v.Text); r.filtered > MaxFilterWork {
			err = errFilterWork
		} else if v, err = f.Apply(v); err == nil {
			r.filtered += len(v.Text)
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
