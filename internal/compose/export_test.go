package compose

import "github.com/ringhook/webhook/internal/field"

// Spelling is the name by which a template names a member.
func Spelling(member []string, envelope bool) string { return spelling(member, envelope) }

// LookUp looks a name up in the JSON form of an event without a Go type.
func LookUp(name string, doc field.Value) field.Value { return newName(name).lookUp(doc, shapeOpen) }

// IsEnvelope reports whether the JSON form of an event is that of an envelope.
func IsEnvelope(doc field.Value) bool { return shapeOpen.isEnvelope(doc) }
