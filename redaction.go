package webhook

import (
	"fmt"
	"log/slog"
)

const redacted = "REDACTED"

// A redaction makes the struct that embeds it print, log and marshal as REDACTED.
type redaction struct{}

// String returns REDACTED.
func (redaction) String() string { return redacted }

// GoString returns REDACTED.
func (redaction) GoString() string { return redacted }

// Format writes REDACTED, whatever the verb.
func (redaction) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// MarshalJSON returns REDACTED as a JSON string: what is to be stored comes from Reveal.
func (redaction) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// MarshalText returns REDACTED.
func (redaction) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue returns REDACTED.
func (redaction) LogValue() slog.Value { return slog.StringValue(redacted) }
