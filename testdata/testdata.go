// Package testdata has the documented bodies of webhooks, one for each kind of event, with digits in place of the documents'
// X's. The tests of this module use them, and so may the unit tests of whoever imports it: their content and names do not
// change without a note in the changelog. All names, numbers and ids in them are made up.
//
// The fixtures are
//
//   - obd, c2c: call reports
//   - cdr: a call detail record
//   - whatsapp_status, rcs_status, viber_status: message statuses
//   - whatsapp_in_text, whatsapp_in_image, whatsapp_in_video, whatsapp_in_audio, whatsapp_in_document, whatsapp_in_sticker,
//     whatsapp_in_location, whatsapp_in_contacts, whatsapp_in_button_reply, whatsapp_in_list_reply: inbound messages; those
//     behind image are not documented for inbound and have the form in which the platform takes such messages
//   - whatsapp_in_2021: an inbound text of the older form, with nulls and missing members
//   - rcs_in_text: an inbound text with members where the documents of RCS and Viber have them
package testdata

import (
	"embed"
	"strings"
)

//go:embed *.json
var files embed.FS

// Fixture returns the body with that name, such as "whatsapp_status"; the caller may change it. It panics if there is none:
// names are written in tests, not read from data.
func Fixture(name string) []byte {
	b, err := files.ReadFile(name + ".json")
	if err != nil {
		panic("testdata: no fixture " + name + "; there are " + strings.Join(Names(), ", "))
	}
	return b
}

// Names returns the names of all fixtures in alphabetical order.
func Names() []string {
	entries, err := files.ReadDir(".")
	if err != nil {
		panic("testdata: " + err.Error()) // embedded: cannot happen
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = strings.TrimSuffix(e.Name(), ".json")
	}
	return names
}
