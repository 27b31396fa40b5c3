package payload

import (
	"slices"

	"github.com/ringhook/webhook/testdata"
)

// Samples returns made-up events, one or several of each type, all of whose members have
// usual values: for a preview in a form where webhooks are written, for tables of
// variables, for test sends, and for package webhook's Compile and Check. With types it is
// those of these types only, in the order of the types. They are the caller's own, and read
// anew by each call, so a program keeps them.
//
// Unsubscriptions are there for each channel, and as what [Parse] makes of one, whose body
// does not tell the channel.
func Samples(types ...string) []Event {
	var all []Event
	for _, name := range testdata.Names() {
		e, err := Parse(testdata.Fixture(name))
		if err != nil {
			panic(err) // the files are a part of the program
		}
		all = append(all, e)
	}
	for _, channel := range []ChannelName{"sms", ChannelWhatsApp, ChannelRCS, ChannelViber, "voice"} {
		e, err := ParseAs(string(channel)+kindUnsubscription, testdata.Fixture("sms_unsubscription"))
		if err != nil {
			panic(err)
		}
		all = append(all, e)
	}
	if len(types) == 0 {
		return all
	}
	var some []Event
	for _, eventType := range types {
		for _, e := range all {
			if e.EventType() == eventType && !slices.Contains(some, e) {
				some = append(some, e)
			}
		}
	}
	return some
}
