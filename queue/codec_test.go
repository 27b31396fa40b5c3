package queue_test

import (
	"bytes"
	"math"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"testing/quick"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/queue"
)

// encoded is the message of testdata/message-v1.bin: every field set, and bytes that
// are no UTF-8 wherever text can be.
func encoded() *webhook.Message {
	return &webhook.Message{
		ID: "msg_2f9Kq", WebhookID: "7d3c1e9a-0b1f-4c55-9a53-6d0e5b8a1c11", Event: "whatsapp:message:status",
		Method: http.MethodPost, URL: "https://hooks.example.com/a%2Fb/?to=%2B15550100&q=a+b&empty=",
		Header: http.Header{
			"Content-Type": {"application/json"},
			"X-Api-Key":    {"one", "", "two\xff"},
			"X-Empty":      {},
		},
		Body: []byte("{ \"text\": \"<Zo\u00eb> & co\" }\r\n\x00\xff"),
		Policy: webhook.Policy{
			Success: []int{200, 202}, Timeout: 2500 * time.Millisecond, Attempts: 4,
			Waits: []time.Duration{time.Millisecond, 3 * time.Second, 27 * time.Hour}, Jitter: 0.2,
		},
		Subject: "b7c1\xfe", Rank: -3,
	}
}

// encodedContent is the message of testdata/message-v2.bin.
func encodedContent() *webhook.Message {
	m := encoded()
	m.Content = []byte("\x00\xff0123456789abcd")
	m.Refs = []string{"a418-d672", "9199 \xff", ""}
	return m
}

// encodedTrace is the message of testdata/message-v4.bin.
func encodedTrace() *webhook.Message {
	m := encodedContent()
	m.Composed = time.Date(2026, 7, 1, 12, 30, 15, 123456000, time.UTC)
	m.Trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	return m
}

// What has once been written is stored in somebody's database: files of older versions
// are never changed or removed. A new version gets a file beside them.
func TestDecode_EveryVersion(t *testing.T) {
	t.Parallel()

	tests := []struct {
		file string
		want *webhook.Message
	}{
		{"testdata/message-v1.bin", encoded()},
		{"testdata/message-v2.bin", encodedContent()},
		{"testdata/message-v4.bin", encodedTrace()},
	}
	for _, tt := range tests {
		t.Run(tt.file, func(t *testing.T) {
			t.Parallel()
			data, err := os.ReadFile(tt.file)
			require.NoError(t, err)
			got, err := queue.Decode(data)
			require.NoError(t, err)
			require.Equal(t, normal(tt.want), normal(got))
		})
	}
}

func TestEncode(t *testing.T) {
	t.Parallel()

	t.Run("known answer", func(t *testing.T) {
		t.Parallel()
		want, err := os.ReadFile("testdata/message-v1.bin")
		require.NoError(t, err)
		for range 10 { // whatever the order of the header's map
			require.Equal(t, want, queue.Encode(encoded()))
		}
		want, err = os.ReadFile("testdata/message-v2.bin")
		require.NoError(t, err)
		require.Equal(t, want, queue.Encode(encodedContent()))
		want, err = os.ReadFile("testdata/message-v4.bin")
		require.NoError(t, err)
		require.Equal(t, want, queue.Encode(encodedTrace()))
	})
	t.Run("shares no memory", func(t *testing.T) {
		t.Parallel()
		data := queue.Encode(encoded())
		m, err := queue.Decode(data)
		require.NoError(t, err)
		clear(data)
		require.Equal(t, normal(encoded()), normal(m))
	})
	t.Run("allocates once", func(t *testing.T) { // growing would double a large body
		t.Parallel()
		m := encoded()
		m.Body = bytes.Repeat([]byte("x"), 1<<20)
		require.LessOrEqual(t, cap(queue.Encode(m)), 1<<20+4096)
	})
}

func TestEncode_RoundTrip(t *testing.T) {
	t.Parallel()

	tests := []struct {
		name   string
		change func(m *webhook.Message)
	}{
		{"all fields", func(*webhook.Message) {}},
		{"zero message", func(m *webhook.Message) { *m = webhook.Message{} }},
		{"empty, not nil", func(m *webhook.Message) { m.Header, m.Body = http.Header{}, []byte{} }},
		{"empty names and values", func(m *webhook.Message) { m.Header = http.Header{"": {""}, "X": nil} }},
		{"names as they are", func(m *webhook.Message) {
			m.Header = http.Header{"x-api-KEY": {"1"}, "X-Api-Key": {"2"}}
		}},
		{"many headers", func(m *webhook.Message) {
			for i := range 300 {
				m.Header[strings.Repeat("x", i)] = []string{"a", "b"}
			}
		}},
		{"long header value", func(m *webhook.Message) { m.Header.Set("X-Long", strings.Repeat("\x80", 1<<16)) }},
		{"every byte", func(m *webhook.Message) {
			for i := range 256 {
				m.Body = append(m.Body, byte(i))
			}
			m.URL, m.Subject, m.Event = string(m.Body), string(m.Body), string(m.Body)
		}},
		{"content", func(m *webhook.Message) { m.Content = []byte("0123456789abcdef") }},
		{"refs", func(m *webhook.Message) { m.Refs = []string{"a418", "9019912345"} }},
		{"trace", func(m *webhook.Message) { m.Trace = encodedTrace().Trace }},
		{"trace beside all there is", func(m *webhook.Message) { *m = *encodedTrace() }},
		{"an empty ref", func(m *webhook.Message) { m.Refs = []string{""} }},
		{"lowest rank", func(m *webhook.Message) { m.Rank = math.MinInt }},
		{"highest rank", func(m *webhook.Message) { m.Rank = math.MaxInt }},
		{"zero policy", func(m *webhook.Message) { m.Policy = webhook.Policy{} }},
		{"policy of the event", func(m *webhook.Message) { m.Policy = webhook.PolicyFor("voice:message:out") }},
		{"policy of empty lists", func(m *webhook.Message) {
			m.Policy = webhook.Policy{Success: []int{}, Waits: []time.Duration{}}
		}},
		{"policy that Try refuses", func(m *webhook.Message) {
			m.Policy = webhook.Policy{
				Success: []int{-1, 999}, Timeout: math.MinInt64, Attempts: -7,
				Waits: []time.Duration{math.MaxInt64, -1, 1}, Jitter: -1.5,
			}
		}},
		{"smallest jitter", func(m *webhook.Message) { m.Policy.Jitter = math.SmallestNonzeroFloat64 }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m := encoded()
			tt.change(m)
			got, err := queue.Decode(queue.Encode(m))
			require.NoError(t, err)
			require.Equal(t, normal(m), normal(got))
		})
	}

	// quick fills in all fields, including one that the codec does not know yet.
	t.Run("any message", func(t *testing.T) {
		t.Parallel()
		type policy struct { // without a time, which quick cannot make
			Success, GiveUp []int
			Waits           []time.Duration
			Expires         time.Duration
			Jitter          float64
		}
		same := func(
			p policy, header map[string][2]string, rank int, refs []string, content []byte, seconds int32, nanoseconds uint16,
			url, subject, value, body, trace []byte,
		) bool {
			m := webhook.Message{
				Rank: rank, Refs: refs, Content: content,
				Composed: time.Unix(int64(seconds), int64(nanoseconds)).UTC(),
				Policy:   webhook.Policy{Success: p.Success, GiveUp: p.GiveUp, Waits: p.Waits, Expires: p.Expires, Jitter: p.Jitter},
			}
			m.URL, m.Subject, m.Body, m.Trace = string(url), string(subject), body, string(trace)
			if header != nil {
				m.Header = http.Header{string(value): {string(value)}}
			}
			for name, values := range header {
				m.Header[name] = values[:]
			}
			got, err := queue.Decode(queue.Encode(&m))
			require.NoError(t, err)
			require.Equal(t, normal(&m), normal(got))
			return true
		}
		require.NoError(t, quick.Check(same, &quick.Config{MaxCount: 200}))
	})
}

// JSON cannot express it. Try refuses it, and what comes back in its place too.
func TestEncode_JitterNoNumber(t *testing.T) {
	t.Parallel()
	for _, jitter := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		m := encoded()
		m.Policy.Jitter = jitter
		got, err := queue.Decode(queue.Encode(m))
		require.NoError(t, err)
		require.Negative(t, got.Policy.Jitter)
		require.Equal(t, m.Body, got.Body)
	}
}

func TestDecode_Errors(t *testing.T) {
	t.Parallel()

	broken := func(at int) string {
		return "queue: encoded message is broken near byte " + strconv.Itoa(at)
	}
	tests := []struct {
		name string
		data string
		err  string
	}{
		{"nothing", "", "queue: no encoded message"},
		{"version 0", "\x00secret", "queue: message encoded by version 0, want at most 4"},
		{"a later version", "\x05secret", "queue: message encoded by version 5, want at most 4"},
		{"JSON", `{"id":"secret"}`, "queue: message encoded by version 123, want at most 4"},
		{"version alone", "\x01", broken(1)},
		{"text longer than what is left", "\x01\x07secret", broken(1)},
		{"length that never ends", "\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", broken(1)},
		{"length over 64 bits", "\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", broken(1)},
		{"no rank", "\x01\x00\x00\x00\x00\x00\x00", broken(7)},
		{"policy that is none", "\x01\x00\x00\x00\x00\x00\x00\x00\x06secret\x00\x00", broken(15)},
		{"policy of a number", "\x01\x00\x00\x00\x00\x00\x00\x00\x0d{\"timeout\":1}\x00\x00", broken(22)},
		{"header cut off", "\x01\x00\x00\x00\x00\x00\x00\x00\x02{}\x02\x01X\x00", broken(15)},
		{"composed cut off", "\x03\x00\x00\x00\x00\x00\x00\x00\x02{}\x00\x00\x00\x00\x02", broken(16)},
		{"composed never", "\x03\x00\x00\x00\x00\x00\x00\x00\x02{}\x00\x00\x00\x00\xff\xdb\x8f\xf9\xce\x03\x00", broken(22)},
		{"no trace", "\x04\x00\x00\x00\x00\x00\x00\x00\x02{}\x00\x00\x00\x00\x02\x00\x00", broken(18)},
		{"something after it", "\x01\x00\x00\x00\x00\x00\x00\x00\x02{}\x00\x00secret", broken(13)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m, err := queue.Decode([]byte(tt.data))
			require.EqualError(t, err, tt.err)
			require.Nil(t, m)
		})
	}
}

// A row that was cut off is an error, and not a message that lacks something.
func TestDecode_Truncated(t *testing.T) {
	t.Parallel()
	for _, whole := range []*webhook.Message{encoded(), encodedTrace()} {
		data := queue.Encode(whole)
		for n := range len(data) {
			m, err := queue.Decode(data[:n])
			require.Error(t, err, "cut to %d bytes", n)
			require.Nil(t, m)
		}
	}
}

// A count may be broken: what is allocated for it stays in proportion to the data.
//
//nolint:paralleltest // what others allocate would count
func TestDecode_Memory(t *testing.T) {
	const size = 1 << 20
	counts := map[string]string{
		"header names":  "\x01\x00\x00\x00\x00\x00\x00\x00\x02{}\xff\xff\x3f",
		"header values": "\x01\x00\x00\x00\x00\x00\x00\x00\x02{}\x01\x00\xff\xff\x3f",
		"length":        "\x01\xff\xff\x3f",
	}
	for name, start := range counts {
		data := append([]byte(start), bytes.Repeat([]byte{0xff}, size)...)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := queue.Decode(data)
		runtime.ReadMemStats(&after)
		require.Error(t, err)
		require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(2*size), name)
	}
}

func FuzzDecode(f *testing.F) {
	valid := queue.Encode(encoded())
	f.Add(valid)
	f.Add(valid[:len(valid)/2])
	f.Add(queue.Encode(&webhook.Message{}))
	f.Add(queue.Encode(encodedContent()))
	f.Add(queue.Encode(encodedTrace()))
	f.Add([]byte("\x01\x00\x00\x00\x00\x00\x00\x00\x02{}\x01\x00\xff\xff\x3f"))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := queue.Decode(data)
		if err != nil {
			require.Regexp(t, `^queue: (no encoded message|message encoded by version \d+, want at most 4|`+
				`encoded message is broken near byte \d+)$`, err.Error())
			return
		}
		again, err := queue.Decode(queue.Encode(m))
		require.NoError(t, err)
		require.Equal(t, normal(m), normal(again))
	})
}

// normal is m as far as a receiver or a sender can tell: what is empty may be nil.
func normal(m *webhook.Message) *webhook.Message {
	c := *m
	c.Header = http.Header{}
	for name, values := range m.Header {
		c.Header[name] = append([]string{}, values...)
	}
	c.Body, c.Content = append([]byte{}, m.Body...), append([]byte{}, m.Content...)
	c.Refs = append([]string{}, m.Refs...)
	return &c
}
