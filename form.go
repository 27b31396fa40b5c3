package webhook

import (
	"fmt"
	"mime/multipart"
	"strconv"
	"strings"

	"github.com/ringhook/webhook/internal/escape"
	"github.com/ringhook/webhook/internal/field"
	"github.com/ringhook/webhook/internal/rawjson"
)

// formFields are the fields of a form or of a query, in order.
type formFields []formField

type formField struct{ name, value string }

// flatten makes fields of an object: an object or list below it gives fields name[member] and name[0], an empty one none.
// Brackets and the like in a member's name are percent-encoded, so that no name an event brought along reads as another
// field; the names that the author of a template wrote stay as they are.
func flatten(v field.Value, authored bool) (formFields, error) {
	if v.Kind != rawjson.Object {
		if v.Empty() {
			return nil, nil
		}
		return nil, fmt.Errorf("the fields of a form are one object")
	}
	var f formFields
	for it := rawjson.Walk(v.Text); it.Next(); {
		name := it.Key()
		if !authored {
			name = string(escape.AppendFormKey(nil, name))
		}
		if err := f.add(strings.ToValidUTF8(name, "\ufffd"), field.FromJSON(it.Value()), 1); err != nil {
			return nil, err
		}
	}
	return f, nil
}

func (f *formFields) add(name string, v field.Value, depth int) error {
	if !v.Composite() {
		*f = append(*f, formField{name, v.String()})
		return nil
	}
	if depth > MaxDepth {
		return fmt.Errorf("a value nested more than %d deep: %w", MaxDepth, ErrLimit)
	}
	i := 0
	for it := rawjson.Walk(v.Text); it.Next(); i++ {
		key := strconv.Itoa(i)
		if v.Kind == rawjson.Object {
			key = string(escape.AppendFormKey(nil, it.Key()))
		}
		if err := f.add(name+"["+key+"]", field.FromJSON(it.Value()), depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (f formFields) appendURLEncoded(dst []byte) []byte {
	for i, field := range f {
		if i > 0 {
			dst = append(dst, '&')
		}
		dst = escape.AppendURL(dst, field.name)
		dst = escape.AppendURL(append(dst, '='), field.value)
	}
	return dst
}

func (f formFields) writeMultipart(m *multipart.Writer) error {
	for _, field := range f {
		w, err := m.CreateFormField(field.name)
		if err != nil {
			return err
		}
		if _, err := w.Write([]byte(strings.ToValidUTF8(field.value, "\ufffd"))); err != nil {
			return err
		}
	}
	return m.Close()
}
