package payload

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/ringhook/webhook/internal/rawjson"
)

// ErrSyntax is what the errors of [Parse], [ParseAs] and the methods UnmarshalJSON wrap
// where something is not JSON. Their text has the offset.
var ErrSyntax = errors.New("not JSON")

var (
	errNoDecimal   = errors.New("payload: not a decimal number")
	errNoType      = errors.New("payload: no event type")
	errAnotherType = errors.New(`payload: member "event" is another type`)
	errNoPayload   = errors.New(`payload: a message without a member "payload"`)
)

func syntaxError(offset int) error {
	return fmt.Errorf("payload: %w at offset %d", ErrSyntax, offset)
}

func noObject(kind rawjson.Kind) error {
	return fmt.Errorf("payload: an event must be a JSON object, not %s", kindNames[kind])
}

func badPayload(kind rawjson.Kind) error {
	return fmt.Errorf(`payload: member "payload" is %s, want an object`, kindNames[kind])
}

var kindNames = map[rawjson.Kind]string{
	rawjson.Null: "null", rawjson.Bool: "a boolean", rawjson.Number: "a number", rawjson.String: "a string",
	rawjson.List: "a list",
}

// readBody returns a body that is JSON as text, without a byte order mark.
func readBody(body []byte) (text string, err error) {
	rest := bytes.TrimPrefix(body, []byte("\ufeff"))
	off := rawjson.Check(rest)
	if off < 0 {
		return string(rest), nil
	}
	err = syntaxError(off + len(body) - len(rest))
	if form := formOf(rest); form != "" {
		err = fmt.Errorf("%w: the body is %s", err, form)
	}
	return "", err
}

// formOf says what a body is that is not JSON; empty if that is hard to say.
func formOf(body []byte) string {
	text := rawjson.Trim(string(body[:min(len(body), 256)]))
	switch {
	case text == "":
		return "empty"
	case text[0] == '<':
		return "XML or HTML"
	case strings.HasPrefix(text, "--"):
		return "a multipart form"
	}
	name, _, ok := strings.Cut(text, "=")
	if ok && name != "" && strings.Trim(name, formName) == "" {
		return "a form (application/x-www-form-urlencoded)"
	}
	return ""
}

// formName has the bytes of which the names of a form's fields are.
const formName = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.+%[]"
