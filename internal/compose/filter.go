package compose

import (
	"errors"
	"slices"

	"github.com/ringhook/webhook/internal/field"
	"github.com/ringhook/webhook/internal/problem"
	"github.com/ringhook/webhook/internal/rawjson"
	"github.com/ringhook/webhook/internal/request"
	"github.com/ringhook/webhook/internal/template"
)

var errFilterWork = problem.Errorf(problem.FilterWork, "all filters together read and write more than %d bytes: %w",
	request.MaxFilterWork, request.ErrLimit)

var errPattern = problem.Errorf(problem.PatternTooLong, "contains looks for a text of more than %d bytes: %w",
	request.MaxPatternSize, request.ErrLimit)

// runFilters returns the value of a placeholder after its filters. The bytes that filters
// read and write are counted for the whole message: each result is within the limits, but
// a small template can make gigabytes of results and cut the last one down to nothing.
//
// After a filter that fails, the chain goes on with its next default, as if there were no
// value. Only a limit is an error all the same: it is about the template, not the value.
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
	for i := 0; i < len(a.filters); i++ {
		if r.filtered += len(v.Text) + a.filters[i].Work(); r.filtered > request.MaxFilterWork {
			err = errFilterWork
		} else if v, err = a.filters[i].Apply(v); err == nil {
			r.filtered += len(v.Text)
			continue
		}
		next := nextDefault(a.Filters, i+1)
		if next < 0 || errors.Is(err, request.ErrLimit) {
			e := p.fault(a.placeholder, err)
			e.Offset = a.Filters[i].At
			return v, e
		}
		v, i = field.Null, next-1
	}
	return v, nil
}

// nextDefault returns the index of the first default from i on, or -1. It replaces what is
// absent, and what a filter before it cannot read.
func nextDefault(calls []template.Call, i int) int {
	if n := slices.IndexFunc(calls[i:], func(c template.Call) bool { return c.Name == "default" }); n >= 0 {
		return i + n
	}
	return -1
}
