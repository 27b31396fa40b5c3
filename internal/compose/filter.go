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
//
// A name that only the samples of other events know is nil if a default follows.
func (r *renderer) runFilters(p *part, a *accessor) (v field.Value, err error) {
	v = a.Literal
	known := false // a name was
	if a.name != nil {
		if v, err = r.read(p, a); err != nil {
			return v, err
		}
		if known = v.Kind != rawjson.None; !known && !a.hasFallback(-1) {
			return v, r.unknown(p, a.placeholder)
		}
	}
	for i := 0; i < len(a.filters); i++ {
		f := a.filters[i]
		var failure error
		if f.Late() {
			var args []field.Value
			if args, known, err = r.arguments(p, a, i, known); err != nil {
				return v, err
			}
			f, failure = f.With(args)
		}
		if r.filtered += len(v.Text) + f.Work(); r.filtered > request.MaxFilterWork {
			failure = errFilterWork
		} else if failure == nil {
			v, failure = f.Apply(v)
		}
		if failure == nil {
			r.filtered += len(v.Text)
			continue
		}
		next := nextDefault(a.Filters, i+1)
		if next < 0 || errors.Is(failure, request.ErrLimit) {
			e := p.fault(a.placeholder, failure)
			e.Offset = a.Filters[i].At
			return v, e
		}
		v, i = field.Null, next-1
	}
	return v, nil
}

// arguments returns the arguments of a filter that has names among them. known tells
// whether the event has known a name before it, and is returned for the next filter: what
// a default puts in place of that name may be one of other events.
func (r *renderer) arguments(p *part, a *accessor, i int, known bool) (args []field.Value, _ bool, err error) {
	fallback := a.hasFallback(i) || known && a.Filters[i].Name == "default"
	args = make([]field.Value, len(a.Filters[i].Args))
	for j, arg := range a.args[i] {
		if args[j] = a.Filters[i].Args[j].Value; arg == nil {
			continue
		}
		if args[j], err = r.read(p, arg); err != nil {
			return nil, known, err
		}
		switch {
		case args[j].Kind != rawjson.None:
			known = true
		case !fallback:
			return nil, known, r.unknown(p, arg.placeholder)
		}
	}
	return args, known, nil
}

// nextDefault returns the index of the first default from i on, or -1. It replaces what is
// absent, and what a filter before it cannot read.
func nextDefault(calls []template.Call, i int) int {
	if n := slices.IndexFunc(calls[i:], func(c template.Call) bool { return c.Name == "default" }); n >= 0 {
		return i + n
	}
	return -1
}
