package otelhook

import (
	"sync"
	"unicode/utf8"

	"go.opentelemetry.io/otel/attribute"
)

const (
	maxEvents    = 100
	maxEventSize = 64
	otherEvent   = "_OTHER" // as the semantic conventions name what is one of many
)

// events are the types of events that are told apart. Each makes series of its own, in the
// process and wherever they are stored, so that there must not be any number of them.
type events struct {
	mu    sync.RWMutex // guards known
	known map[string]bool
}

// label is the attribute for a type of event.
func (e *events) label(event string) attribute.KeyValue {
	if e.isKnown(event) {
		return keyEvent.String(event)
	}
	return keyEvent.String(otherEvent)
}

func (e *events) isKnown(event string) bool {
	if len(event) > maxEventSize || !utf8.ValidString(event) {
		return false
	}
	e.mu.RLock()
	known, isFull := e.known[event], len(e.known) >= maxEvents
	e.mu.RUnlock()
	if known || isFull {
		return known
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.known == nil {
		e.known = make(map[string]bool)
	}
	if len(e.known) < maxEvents {
		e.known[event] = true
	}
	return e.known[event]
}
