package compose

import (
	"bytes"
	"mime/multipart"
	"net/textproto"
	"strconv"

	"github.com/ringhook/webhook/internal/escape"
	"github.com/ringhook/webhook/internal/field"
	"github.com/ringhook/webhook/internal/problem"
	"github.com/ringhook/webhook/internal/rawjson"
	"github.com/ringhook/webhook/internal/request"
)

// formFields are the fields of a form or of a query, in order.
type formFields []formField

type formField struct{ name, value string }

// flatten makes the fields of a form from an object. An object or list inside it
// becomes fields name[member] and name[0], or as lists says; an empty one gives no field.
// Brackets and the like in a member's name are percent-encoded, so that no name from an
// event reads as another field, and no two have one name; the names that the author of a
// template wrote stay as they are.
func flatten(v field.Value, appendName func(dst []byte, name string) []byte, lists string) (formFields, error) {
	if v.Kind != rawjson.Object {
		if v.Empty() {
			return nil, nil
		}
		return nil, problem.Errorf(problem.FormNotObject, "the body of a form must be an object")
	}
	f := flattener{left: flattenLimit, lists: lists}
	for it := rawjson.Walk(v.Text); it.Next(); {
		if err := f.add(string(appendName(nil, it.Key())), field.FromJSON(it.Value()), 1); err != nil {
			return nil, err
		}
	}
	return f.fields, nil
}

// flattenLimit is the most text that flatten makes, with the names of objects and lists
// repeated for each field: under a long name, a short list could become any size.
// Fields within this limit are held to request.MaxOutputSize when they are written.
const flattenLimit = 4 * request.MaxOutputSize

type flattener struct {
	fields formFields
	lists  string // one of the FormLists
	left   int    // bytes that remain of flattenLimit
}

func (f *flattener) add(name string, v field.Value, depth int) error {
	text := ""
	if !v.Composite() {
		text = v.String()
	}
	if f.left -= len(name) + len(text) + 1; f.left < 0 {
		return problem.Errorf(problem.FormTooLong, "the fields of a form are more than %d bytes: %w", request.MaxOutputSize, request.ErrLimit)
	}
	if !v.Composite() {
		f.fields = append(f.fields, formField{name, text})
		return nil
	}
	if depth > request.MaxDepth {
		return problem.Errorf(problem.ValueTooDeep, "a value nested more than %d deep: %w", request.MaxDepth, request.ErrLimit)
	}
	i := 0
	for it := rawjson.Walk(v.Text); it.Next(); i++ {
		element, of := field.FromJSON(it.Value()), ""
		if v.Kind == rawjson.Object {
			of = name + "[" + string(escape.AppendFormKey(nil, it.Key())) + "]"
		} else {
			of = f.elementName(name, i, element)
		}
		if err := f.add(of, element, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// elementName returns the name of a list's element. With the same name for several that
// have members, PHP would make an element of each member, and Rails guesses.
func (f *flattener) elementName(list string, i int, element field.Value) string {
	switch {
	case element.Composite() || f.lists == FormListsIndex:
		return list + "[" + strconv.Itoa(i) + "]"
	case f.lists == FormListsBrackets:
		return list + "[]"
	}
	return list
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

// appendMultipart stops after limit bytes: the boundary and header of a field may be a
// hundred times as long as the field.
func (f formFields) appendMultipart(dst []byte, limit int) (_ []byte, contentType string, err error) {
	b := bytes.NewBuffer(dst)
	m := multipart.NewWriter(b)
	contentType = m.FormDataContentType() + "; charset=utf-8"
	if len(f) == 0 { // as browsers write it: some receivers refuse the line break before it
		return append(dst, "--"+m.Boundary()+"--\r\n"...), contentType, nil
	}
	for _, field := range f {
		if b.Len()-len(dst) > limit {
			break
		}
		disposition := append(escape.AppendQuoted([]byte(`form-data; name="`), field.name), '"')
		w, err := m.CreatePart(textproto.MIMEHeader{"Content-Disposition": {string(disposition)}})
		if err != nil {
			return dst, "", err
		}
		if _, err := w.Write([]byte(field.value)); err != nil {
			return dst, "", err
		}
	}
	err = m.Close()
	return b.Bytes(), contentType, err
}
