package compose

import (
	"fmt"

	"github.com/ringhook/webhook/internal/field"
	"github.com/ringhook/webhook/internal/rawjson"
	"github.com/ringhook/webhook/internal/request"
)

var errFilterWork = fmt.Errorf("all filters together read and write more than %d bytes: %w",
	request.MaxFilterWork, request.ErrLimit)

var errPattern = fmt.Errorf("contains looks for a text of more than %d bytes: %w", maxPattern, request.ErrLimit)

// runFilters returns the value of a placeholder after its filters. The bytes that filters
// read and write are counted for the whole message: each result is within the limits, but
// a small template can make gigabytes of results and cut the last one down to nothing.
func (r *renderer) runFilters(p *part, a *accessor) (v field.Value, err error) {
	v = a.Literal
	if a.name != nil {
		if a.get != nil {
			v = a.get(r.pointer)
		}
		if v.Kind == rawjson.None {
			if v, err = r.value(p, a); err != nil {
				return v, err
			}
		}
	}
	for i, f := range a.filters {
		if r.filtered += len(v.Text); r.filtered > request.MaxFilterWork {
			err = errFilterWork
		} else if v, err = f.Apply(v); err == nil {
			r.filtered += len(v.Text)
		}
		if err != nil {
			e := p.fault(a.placeholder, err)
			e.Offset = a.Filters[i].At
			return v, e
		}
	}
	return v, nil
}
