package filter

import (
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/ringhook/webhook/internal/field"
	"github.com/ringhook/webhook/internal/problem"
	"github.com/ringhook/webhook/internal/rawjson"
)

var (
	errObject   = problem.Errorf(problem.AnObject, "the value is an object")
	errNoObject = problem.Errorf(problem.ElementNoObject, "an element of the list is not an object")
)

// toEnd is the length of a slice that goes to the end.
const toEnd = math.MaxInt

func slice(v field.Value, start, length int) (field.Value, error) {
	if v.Kind == rawjson.List {
		return sliceList(v, start, length), nil
	}
	s := v.String()
	if start < 0 {
		s = s[skipBack(s, -start):]
	} else {
		s = s[skip(s, start):]
	}
	if length != toEnd {
		s = s[:skip(s, length)]
	}
	return field.Text(s), nil
}

func sliceList(v field.Value, start, length int) field.Value {
	if start < 0 {
		start += elements(v) // if still below zero, the first
	}
	from, to := 0, 0
	for it := rawjson.Walk(v.Text); length > 0 && it.Next(); start-- {
		if start > 0 {
			continue
		}
		if to == 0 {
			from = it.Start
		}
		to = it.End
		length--
	}
	return field.Value{Kind: rawjson.List, Text: "[" + v.Text[from:to] + "]"}
}

// elements counts the elements of a list, or the members of an object.
func elements(v field.Value) (n int) {
	for it := rawjson.Walk(v.Text); it.Next(); {
		n++
	}
	return n
}

func size(v field.Value) (field.Value, error) {
	n := 0
	if v.Composite() {
		n = elements(v)
	} else {
		n = utf8.RuneCountInString(v.String())
	}
	return field.Number(strconv.Itoa(n)), nil
}

func first(v field.Value) (field.Value, error) {
	switch {
	case v.Kind == rawjson.Object:
		return v, errObject
	case v.Kind == rawjson.List:
		it := rawjson.Walk(v.Text)
		if !it.Next() {
			return field.Null, nil
		}
		return field.FromJSON(it.Value()), nil
	case v.Empty():
		return field.Null, nil
	default:
		return field.Text(v.Text[:skip(v.Text, 1)]), nil
	}
}

func last(v field.Value) (field.Value, error) {
	switch {
	case v.Kind == rawjson.Object:
		return v, errObject
	case v.Kind == rawjson.List:
		raw := field.Null.Text
		for it := rawjson.Walk(v.Text); it.Next(); {
			raw = it.Value()
		}
		return field.FromJSON(raw), nil
	case v.Empty():
		return field.Null, nil
	default:
		return field.Text(v.Text[skipBack(v.Text, 1):]), nil
	}
}

func split(s, separator string) (field.Value, error) {
	const quotes = len(`"",`)
	room := len(s) + (strings.Count(s, separator)+1)*quotes // and more for escapes
	list := append(make([]byte, 0, min(room, MaxOutput)+quotes), '[')
	empty := 0
	for more := s != ""; more; {
		var piece string
		if piece, s, more = cut(s, separator); piece == "" {
			empty++ // dropped if nothing follows
			continue
		}
		if len(list)+(empty+1)*quotes+len(piece) > MaxOutput {
			return field.Value{}, ErrTooLong
		}
		for ; empty > 0; empty-- {
			list = append(list, `"",`...)
		}
		list = append(rawjson.AppendString(list, piece), ',')
	}
	if len(list) > 1 {
		list = list[:len(list)-1]
	}
	return field.Value{Kind: rawjson.List, Text: string(append(list, ']'))}, nil
}

// cut returns the text before the separator and the rest after it. more reports whether
// there is a separator.
func cut(s, separator string) (piece, rest string, more bool) {
	switch separator {
	case "":
		n := skip(s, 1)
		return s[:n], s[n:], n < len(s)
	case " ":
		s = strings.TrimLeft(s, blanks)
		if n := strings.IndexAny(s, blanks); n >= 0 {
			return s[:n], s[n+1:], true
		}
		return s, "", false
	default:
		return strings.Cut(s, separator)
	}
}

func join(v field.Value, separator string) (field.Value, error) {
	if v.Kind != rawjson.List {
		return field.Text(v.String()), nil
	}
	var b strings.Builder
	b.Grow(min(len(v.Text), MaxOutput))
	between := ""
	for it := rawjson.Walk(v.Text); it.Next(); between = separator {
		s := field.FromJSON(it.Value()).String()
		if b.Len()+len(between)+len(s) > MaxOutput {
			return field.Value{}, ErrTooLong
		}
		b.WriteString(between)
		b.WriteString(s)
	}
	return field.Text(b.String()), nil
}

// each calls f with the elements of a list. As for join, no value is no element, and any
// other value is the only one.
func each(v field.Value, f func(element field.Value) error) error {
	if v.Kind != rawjson.List {
		if v.Kind <= rawjson.Null {
			return nil
		}
		return f(v)
	}
	for it := rawjson.Walk(v.Text); it.Next(); {
		if err := f(field.FromJSON(it.Value())); err != nil {
			return err
		}
	}
	return nil
}

// collect returns the list of what pick returns for each element. Of None it has nothing.
func collect(v field.Value, pick func(element field.Value) (field.Value, error)) (field.Value, error) {
	list := append(make([]byte, 0, min(len(v.Text), MaxOutput)+len("[]")), '[')
	err := each(v, func(element field.Value) error {
		picked, err := pick(element)
		if err != nil || picked.Kind == rawjson.None {
			return err
		}
		if len(list) > 1 {
			list = append(list, ',')
		}
		if list = picked.AppendJSON(list); len(list) > MaxOutput {
			return ErrTooLong
		}
		return nil
	})
	if err != nil {
		return v, err
	}
	return field.Value{Kind: rawjson.List, Text: string(append(list, ']'))}, nil
}

// member returns the member of an object, null if it has none.
func member(v field.Value, name string) (field.Value, error) {
	switch v.Kind {
	case rawjson.Null:
		return v, nil
	case rawjson.Object:
		if raw, ok := rawjson.Find(v.Text, name); ok {
			return field.FromJSON(raw), nil
		}
		return field.Null, nil
	default:
		return v, errNoObject
	}
}

func compact(v field.Value) (field.Value, error) {
	return collect(v, func(element field.Value) (field.Value, error) {
		if element.Kind == rawjson.Null {
			return field.Value{}, nil
		}
		return element, nil
	})
}

func uniq(v field.Value) (field.Value, error) {
	seen := map[field.Value]bool{}
	return collect(v, func(element field.Value) (field.Value, error) {
		key := field.Value{Kind: element.Kind, Text: element.String()}
		if seen[key] {
			return field.Value{}, nil
		}
		seen[key] = true
		return element, nil
	})
}

// sum adds the elements of a list, or a member of each if there is a name.
func sum(v field.Value, name string) (field.Value, error) {
	w := workspaces.Get().(*workspace)
	defer workspaces.Put(w)
	total := decimal{w.z.SetInt64(0), 0}
	err := each(v, func(element field.Value) (err error) {
		if name != "" {
			if element, err = member(element, name); err != nil {
				return err
			}
		}
		d, err := readNumber(&w.value, element)
		if err == nil {
			total = plus(w, total, d)
		}
		return err
	})
	if err != nil {
		return v, err
	}
	return total.value()
}
