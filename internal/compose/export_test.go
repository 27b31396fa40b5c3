package compose

import "github.com/ringhook/webhook/internal/field"

// Spellings are the names by which a template can name a member.
func Spellings(member string, envelope bool) []string { return spellings(member, envelope) }

// LookUp looks a name up in the JSON form of an event without a Go type.
func LookUp(name string, doc field.Value) field.Value { return newName(name).lookUp(doc, shapeOpen) }

// IsEnvelope reports whether the JSON form of an event is that of an envelope.
func IsEnvelope(doc field.Value) bool { return shapeOpen.isEnvelope(doc) }
