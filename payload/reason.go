package payload

import (
	"cmp"

	"github.com/ringhook/webhook/internal/field"
)

// A MessageError is a reason why a message was not delivered, in the form of WhatsApp.
type MessageError struct {
	Code  Int    `json:"code" doc:"Code of the error, as the channel has it"`
	Title string `json:"title" doc:"The error in a few words"`
	// Details is not written if unset.
	Details string `json:"details" doc:"The error in a sentence"`

	extra extra
}

var messageErrors = newObject(
	func(e *MessageError) *extra { return &e.extra },
	scalar(intNumber, func(e *MessageError) (*Int, extra) { return &e.Code, e.extra }),
	text(func(e *MessageError) (*string, extra) { return &e.Title, e.extra }),
	text(func(e *MessageError) (*string, extra) { return &e.Details, e.extra }).omitUnset(),
)

// Reason returns why the message was not delivered, in the words of the platform, as far
// as it gives any: of the first of Errors that has any the details, which Meta has in
// error_data, else its message, its title or its code; without Errors, the text of a member reason, error
// or error_message.
func (s MessageStatus) Reason() string {
	for _, e := range s.Errors {
		data, _ := e.extra.find("error_data")
		message, _ := e.extra.find("message")
		for _, words := range []string{e.Details, findText(data, "details"), textOnly(message), e.Title, e.Code.String()} {
			if words != "" {
				return words
			}
		}
	}
	for _, name := range []string{"reason", "error", "error_message"} {
		raw, _ := s.extra.find(name)
		if words := cmp.Or(textOnly(raw), findText(raw, "details", "message", "title", "reason", "code")); words != "" {
			return words
		}
	}
	return ""
}

// textOnly returns the text of a scalar; of anything else it is empty.
func textOnly(raw string) string {
	if v := field.FromJSON(raw); !v.Composite() {
		return v.String()
	}
	return ""
}
