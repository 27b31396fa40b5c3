package webhook

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// IdentityAll is the identity that every event has, whatever it came from.
const IdentityAll = "all"

// The limits on a [Subscription].
const (
	maxSubscribed = 100 // events, and identities
	maxEventName  = 128 // bytes
	maxIdentity   = 128 // likewise
)

// A Subscription says which events a webhook is told of. It is plain data.
//
// An identity says what an event came from or went to: "number:919019120120" is one of
// the platform's numbers (a DID), "keyword:sale" the word that a message began with, and
// "all" any of them. These are the forms that platforms document; another kind of one's
// own, such as "campaign:17", is compared as it stands.
type Subscription struct {
	// WebhookID is the ID of the webhook.
	WebhookID string `json:"webhook_id"`
	// Events are names such as "whatsapp:message:in", or globs: a * stands for any
	// number of characters, also none and also colons, so that "whatsapp:*" is all that
	// begins like this and "*" is everything. At least one, at most 100.
	Events []string `json:"events"`
	// Identities are those that are wanted, at most 100. If empty, all of them.
	Identities []string `json:"identities,omitempty"`
}

// Check returns nil if s can be kept, else what is wrong with it and where.
func (s Subscription) Check() error {
	switch {
	case s.WebhookID == "":
		return errors.New("webhook: subscription: webhook_id: empty")
	case len(s.Events) == 0:
		return errors.New(`webhook: subscription: events: none; "*" is all`)
	case len(s.Events) > maxSubscribed:
		return fmt.Errorf("webhook: subscription: events: %d, at most %d", len(s.Events), maxSubscribed)
	case len(s.Identities) > maxSubscribed:
		return fmt.Errorf("webhook: subscription: identities: %d, at most %d", len(s.Identities), maxSubscribed)
	}
	for i, event := range s.Events {
		if err := checkEventGlob(event); err != nil {
			return fmt.Errorf("webhook: subscription: events[%d]: %w", i, err)
		}
	}
	for i, identity := range s.Identities {
		if err := checkIdentity(identity); err != nil {
			return fmt.Errorf("webhook: subscription: identities[%d]: %w", i, err)
		}
	}
	return nil
}

// Match reports whether an event of that type with those identities is wanted. Every
// event has the identity "all", whether it is among them or not. Numbers are compared by
// their digits, so that "number:+91 90191 20120" is "number:919019120120"; keywords
// without regard to case and blanks at the ends; all else byte by byte.
func (s Subscription) Match(eventType string, identities []string) bool {
	if !slices.ContainsFunc(s.Events, func(glob string) bool { return matchGlob(glob, eventType) }) {
		return false
	}
	if len(s.Identities) == 0 {
		return true
	}
	return slices.ContainsFunc(s.Identities, func(wanted string) bool {
		wanted = NormalizeIdentity(wanted)
		return wanted == IdentityAll || slices.ContainsFunc(identities, func(identity string) bool {
			return NormalizeIdentity(identity) == wanted
		})
	})
}

// NormalizeIdentity returns the one form of an identity by which [Subscription.Match]
// compares: of a number the digits, of a keyword lower case. It is its own only form.
func NormalizeIdentity(identity string) string {
	kind, value, ok := strings.Cut(strings.TrimSpace(identity), ":")
	if !ok {
		if strings.EqualFold(kind, IdentityAll) {
			return IdentityAll
		}
		return kind
	}
	switch lower := strings.ToLower(kind); lower {
	case "number":
		if digits := onlyDigits(value); digits != "" {
			return lower + ":" + digits
		}
		return lower + ":" + strings.TrimSpace(value)
	case "keyword":
		return lower + ":" + strings.ToLower(strings.TrimSpace(value))
	}
	return kind + ":" + value
}

// onlyDigits returns the digits of a number as people write it, or nothing if there is
// something else in it than digits and the usual signs between them.
func onlyDigits(s string) string {
	var digits []byte
	for i, r := range strings.TrimSpace(s) {
		switch {
		case r >= '0' && r <= '9':
			digits = append(digits, byte(r))
		case r == '+' && i == 0, strings.ContainsRune(numberSigns, r):
		default:
			return ""
		}
	}
	return string(digits)
}

// matchGlob matches with a star for any number of bytes. It goes back to the last star
// alone, so that it takes at most the product of the lengths.
func matchGlob(glob, s string) bool {
	star, from, g, i := -1, 0, 0, 0
	for i < len(s) {
		switch {
		case g < len(glob) && glob[g] == '*':
			star, from = g, i
			g++
		case g < len(glob) && glob[g] == s[i]:
			g++
			i++
		case star >= 0:
			from++
			g, i = star+1, from
		default:
			return false
		}
	}
	return strings.Trim(glob[g:], "*") == ""
}

// checkEventGlob refuses what matches no event that anybody reports.
func checkEventGlob(glob string) error {
	switch {
	case glob == "":
		return errors.New("empty")
	case len(glob) > maxEventName:
		return fmt.Errorf("longer than %d bytes", maxEventName)
	}
	for i := range len(glob) {
		if c := glob[i]; c <= ' ' || c > '~' || strings.IndexByte(`?[]{}\`, c) >= 0 {
			return fmt.Errorf("offset %d: the name of an event has letters, digits, signs such as : _ - . and no blanks; "+
				"* stands for any of them", i)
		}
	}
	return nil
}

// checkIdentity refuses what no event has. It quotes nothing: a number is a person's.
func checkIdentity(identity string) error {
	if len(identity) > maxIdentity {
		return fmt.Errorf("longer than %d bytes", maxIdentity)
	}
	if cleanRef(identity, len(identity)) != identity {
		return errors.New("blanks at the ends, control characters or no UTF-8")
	}
	kind, value, ok := strings.Cut(NormalizeIdentity(identity), ":")
	switch {
	case !ok && kind == IdentityAll:
	case !ok, kind == "", value == "":
		return errors.New(`want all, number:… or keyword:…`)
	case kind == "number" && (onlyDigits(value) != value || len(value) > maxNumber):
		return fmt.Errorf("a number has digits, at most %d", maxNumber)
	}
	return nil
}
