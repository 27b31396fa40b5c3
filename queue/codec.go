package queue

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/ringhook/webhook"
)

// The first byte of what Encode writes is a version. Decode reads all of them. A message
// that an older version can hold is written in that, so that processes of before the newer
// one can read it.
const (
	codecPlain   = 1
	codecContent = 2 // with Content and Refs behind the body
	// codecComposed has Composed behind those, as seconds and nanoseconds since 1970, and
	// may have all members of a policy.
	codecComposed = 3
	codecTrace    = 4 // with Trace behind those
)

// Encode writes a message for an engine that stores bytes. The same message gives the
// same bytes, and [Decode] returns it to the byte, with Composed in UTC: unlike in JSON,
// text need not be valid UTF-8.
func Encode(m *webhook.Message) []byte {
	policy, err := json.Marshal(m.Policy)
	if err != nil { // Jitter is no number: Try refuses that, and what is put in its place
		policy = []byte(`{"jitter":-1}`)
	}
	// With room for the lengths: to grow would copy a large body.
	b := make([]byte, 0, Size(m)+len(policy)+512)
	b = append(b, codecPlain)
	for _, s := range []string{m.ID, m.WebhookID, m.Event, m.Method, m.URL, m.Subject} {
		b = appendText(b, s)
	}
	b = binary.AppendVarint(b, int64(m.Rank))
	b = appendText(b, policy)
	b = binary.AppendUvarint(b, uint64(len(m.Header)))
	for _, name := range slices.Sorted(maps.Keys(m.Header)) {
		b = appendText(b, name)
		b = binary.AppendUvarint(b, uint64(len(m.Header[name])))
		for _, value := range m.Header[name] {
			b = appendText(b, value)
		}
	}
	b = appendText(b, m.Body)
	if m.Trace != "" || isComposed(m) || len(m.Content)+len(m.Refs) > 0 {
		b[0] = codecContent
		b = appendText(b, m.Content)
		b = binary.AppendUvarint(b, uint64(len(m.Refs)))
		for _, ref := range m.Refs {
			b = appendText(b, ref)
		}
	}
	if m.Trace != "" || isComposed(m) {
		b[0] = codecComposed
		b = binary.AppendVarint(b, m.Composed.Unix())
		b = binary.AppendUvarint(b, uint64(m.Composed.Nanosecond())) //nolint:gosec // >= 0
	}
	if m.Trace != "" {
		b[0] = codecTrace
		b = appendText(b, m.Trace)
	}
	return b
}

// isComposed reports whether m needs codecComposed.
func isComposed(m *webhook.Message) bool {
	return !m.Composed.IsZero() || m.Policy.Expires != 0 || m.Policy.GiveUp != nil
}

func appendText[T ~string | ~[]byte](b []byte, s T) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// Decode reads what [Encode] of this or an earlier version wrote. An empty header or
// body becomes nil. The message shares no memory with data. Its errors quote nothing of
// the message.
func Decode(data []byte) (*webhook.Message, error) {
	if len(data) == 0 {
		return nil, errors.New("queue: no encoded message")
	}
	if data[0] < codecPlain || data[0] > codecTrace {
		return nil, fmt.Errorf("queue: message encoded by version %d, want at most %d", data[0], codecTrace)
	}
	d := decoder{data: data[1:]}
	m := &webhook.Message{}
	for _, s := range []*string{&m.ID, &m.WebhookID, &m.Event, &m.Method, &m.URL, &m.Subject} {
		*s = string(d.text())
	}
	rank := d.number()
	m.Rank = int(rank)
	d.broken = d.broken || int64(m.Rank) != rank
	if policy := d.text(); !d.broken && json.Unmarshal(policy, &m.Policy) != nil {
		d.broken = true
	}
	m.Header = d.header()
	if body := d.text(); len(body) > 0 {
		m.Body = slices.Clone(body)
	}
	if data[0] >= codecContent {
		if content := d.text(); len(content) > 0 {
			m.Content = slices.Clone(content)
		}
		for n := d.count(); n > 0 && !d.broken; n-- {
			m.Refs = append(m.Refs, string(d.text()))
			d.broken = d.broken || len(m.Refs) > maxValues
		}
		d.broken = d.broken || data[0] == codecContent && len(m.Content)+len(m.Refs) == 0
	}
	if data[0] >= codecComposed {
		m.Composed = d.time()
		d.broken = d.broken || data[0] == codecComposed && !isComposed(m)
	}
	if data[0] == codecTrace {
		m.Trace = string(d.text())
		d.broken = d.broken || m.Trace == ""
	}
	if d.broken || len(d.data) > 0 {
		return nil, fmt.Errorf("queue: encoded message is broken near byte %d", len(data)-len(d.data))
	}
	return m, nil
}

// A decoder takes parts off the front of data. After the first one that is missing, all
// are empty.
type decoder struct {
	data   []byte
	broken bool
}

func (d *decoder) text() []byte {
	n := d.count()
	text := d.data[:n]
	d.data = d.data[n:]
	return text
}

// maxValues is how many header values are decoded: many more than [webhook.MaxHeaders],
// which is how many may be sent. No more refs are, of which there are a few.
const maxValues = 1000

// header grows with what is there: each entry takes many times a byte, so a broken
// count must not decide how much memory is allocated.
func (d *decoder) header() http.Header {
	n := d.count()
	if n == 0 {
		return nil
	}
	h := make(http.Header, min(n, 16))
	left := maxValues
	for ; n > 0 && !d.broken; n-- {
		name, values := string(d.text()), []string(nil)
		more := d.count()
		if left -= max(more, 1); left < 0 {
			d.broken = true
		}
		for ; more > 0 && !d.broken; more-- {
			values = append(values, string(d.text()))
		}
		h[name] = values
	}
	return h
}

// count is never more than the bytes that are left, since each thing counted takes at
// least one: so broken data cannot ask for much memory.
func (d *decoder) count() int {
	n, size := binary.Uvarint(d.data)
	if d.broken || size <= 0 || n > uint64(len(d.data)-size) { //nolint:gosec // >= 0
		d.broken = true
		return 0
	}
	d.data = d.data[size:]
	return int(n) //nolint:gosec // at most len(d.data)
}

func (d *decoder) number() int64 {
	n, size := binary.Varint(d.data)
	if d.broken || size <= 0 {
		d.broken = true
		return 0
	}
	d.data = d.data[size:]
	return n
}

func (d *decoder) time() time.Time {
	seconds := d.number()
	nanoseconds, size := binary.Uvarint(d.data)
	if d.broken || size <= 0 || nanoseconds >= uint64(time.Second) {
		d.broken = true
		return time.Time{}
	}
	d.data = d.data[size:]
	return time.Unix(seconds, int64(nanoseconds)).UTC()
}

// Size is how many bytes of text and body a message has: what limits on the size of
// messages count.
func Size(m *webhook.Message) int {
	n := len(m.ID) + len(m.WebhookID) + len(m.Event) + len(m.Method) + len(m.URL) +
		len(m.Subject) + len(m.Body) + len(m.Trace)
	for _, ref := range m.Refs {
		n += len(ref)
	}
	for name, values := range m.Header {
		for _, value := range values {
			n += len(name) + len(value)
		}
	}
	return n
}
