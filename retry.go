package webhook

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/ringhook/webhook/internal/problem"
)

// maxRetryAfter is the longest wait that a receiver's Retry-After header can ask for; a
// longer one is cut to it.
const maxRetryAfter = time.Hour

// The limits on a [Policy].
const (
	maxTimeout  = 10 * time.Minute
	maxAttempts = 1000
	maxWait     = 30 * 24 * time.Hour
	maxWaits    = 100
	maxExpires  = 365 * 24 * time.Hour
	minExpires  = time.Second
	maxGiveUp   = 200

	minRate        = 0.01
	maxRate        = 10_000
	maxConcurrency = 1000
)

// What the documents promise: 3 s for an answer, two more tries, 10^n seconds before
// each up to 100 000 s.
const (
	defaultTimeout  = 3 * time.Second
	defaultAttempts = 3
)

// Shared by all completed policies, so never written to.
var (
	defaultWaits = []time.Duration{
		10 * time.Second, 100 * time.Second, 1000 * time.Second, 10000 * time.Second, 100000 * time.Second,
	}
	narrowSuccess = []int{http.StatusOK, http.StatusAccepted}
	smsWaits      = []time.Duration{30 * time.Minute}
)

// A Policy says what counts as delivered and when to try again. It is plain data; each
// zero field means what [PolicyFor] says for the event's type.
//
// In JSON, durations are strings as [time.ParseDuration] reads them, such as "10s" or
// "1h30m"; numbers are refused, since they would not say their unit, and so are unknown
// members. A member that is not set is omitted.
type Policy struct {
	// Success lists the status codes that count as delivered, each within 200 to 299.
	// If empty, any of these counts, but for voice events only 200 and 202.
	Success []int
	// Timeout of one attempt, from signing and the look-up of the name to the status
	// line; at most 10 minutes. If zero, 3 seconds.
	Timeout time.Duration
	// Attempts to make in all, at most 1000; 1 means no retry. If zero, 3.
	Attempts int
	// Waits before attempt 2, 3 and so on; the last one repeats. At most 100, each at
	// most 30 days. If empty, 10 s, 100 s, 1 000 s, 10 000 s and 100 000 s.
	Waits []time.Duration
	// Jitter spreads each wait evenly over ± this part of it: 0.2 makes 80 to 120 s of
	// 100 s. From 0 to 1; zero keeps the times as they are. It is a hash of the
	// message's ID and the attempt's number: any process computes the same wait.
	Jitter float64
	// Expires is how long after Message.Composed the message may still be sent. An attempt
	// that would begin later sends nothing, has ClassExpired, and is the last. A queue's
	// resend, and its Enable, begin anew. From 1 second to 365 days; if zero, never.
	Expires time.Duration
	// GiveUp lists the status codes after which there is no retry, whatever Client.Retry
	// says, each within 400 to 599. 410 needs not be there: it ends more. If empty, none.
	GiveUp []int
	// Rate is how many attempts a package queue's Queue may begin per second at the
	// endpoint, retries included; from 0.01 to 10 000. If zero, what the queue allows,
	// which also counts where it is less. The message that was last handed out decides
	// for the whole endpoint, or the last within a minute that asks for something.
	Rate float64
	// Concurrency is how many attempts such a queue may have in flight to the endpoint,
	// in each process; at most 1000. Zero, and which message decides, is as for Rate.
	Concurrency int
}

// PolicyFor returns the documented policy for events of a type: 3 seconds for an
// answer, 3 attempts, waits of 10 s, 100 s, 1 000 s, 10 000 s and then 100 000 s, no
// jitter. Voice events (voice:message:out and all that start with voice:) are delivered
// by status 200 and 202 only, and so are the statuses of SMS (sms:message:status), for
// which each wait is 30 minutes; all others by any 2xx, which is an empty Success.
//
// The result is complete and the caller's own to change.
func PolicyFor(eventType string) Policy {
	p := documented(eventType)
	p.Success, p.Waits = slices.Clone(p.Success), slices.Clone(p.Waits)
	return p
}

// Or returns p with each field that is zero taken from q. The result shares its slices
// with both.
func (p Policy) Or(q Policy) Policy {
	if len(p.Success) == 0 {
		p.Success = q.Success
	}
	if len(p.Waits) == 0 {
		p.Waits = q.Waits
	}
	if len(p.GiveUp) == 0 {
		p.GiveUp = q.GiveUp
	}
	p.Timeout = cmp.Or(p.Timeout, q.Timeout)
	p.Expires = cmp.Or(p.Expires, q.Expires)
	p.Attempts = cmp.Or(p.Attempts, q.Attempts)
	p.Jitter = cmp.Or(p.Jitter, q.Jitter)
	p.Rate = cmp.Or(p.Rate, q.Rate)
	p.Concurrency = cmp.Or(p.Concurrency, q.Concurrency)
	return p
}

// complete fills in the zero fields. The slices that it adds are shared: whoever hands
// the result out copies them.
func (p Policy) complete(eventType string) Policy { return p.Or(documented(eventType)) }

// documented is PolicyFor, with shared slices.
func documented(eventType string) Policy {
	p := Policy{Timeout: defaultTimeout, Attempts: defaultAttempts, Waits: defaultWaits}
	switch {
	case strings.HasPrefix(eventType, "voice:"):
		p.Success = narrowSuccess
	case eventType == "sms:message:status":
		p.Success, p.Waits = narrowSuccess, smsWaits
	}
	return p
}

// check refuses what no webhook may ask for. Its errors begin with the field.
func (p Policy) check() error {
	for _, code := range p.Success {
		if code < 200 || code > 299 {
			return problem.Errorf(problem.PolicySuccess, "success: status %d outside 200 to 299", code)
		}
	}
	if p.Timeout < 0 || p.Timeout > maxTimeout {
		return problem.Errorf(problem.PolicyTimeout, "timeout: %v outside 0s to %v", p.Timeout, maxTimeout)
	}
	if p.Attempts < 0 || p.Attempts > maxAttempts {
		return problem.Errorf(problem.PolicyAttempts, "attempts: %d outside 0 to %d", p.Attempts, maxAttempts)
	}
	if len(p.Waits) > maxWaits {
		return problem.Errorf(problem.PolicyWaits, "waits: %d of them, at most %d", len(p.Waits), maxWaits)
	}
	for _, wait := range p.Waits {
		if wait < 0 || wait > maxWait {
			return problem.Errorf(problem.PolicyWait, "waits: %v outside 0s to %v", wait, maxWait)
		}
	}
	if !(p.Jitter >= 0 && p.Jitter <= 1) { // so put, NaN fails too
		return problem.Errorf(problem.PolicyJitter, "jitter: %v outside 0 to 1", p.Jitter)
	}
	if p.Expires != 0 && (p.Expires < minExpires || p.Expires > maxExpires) {
		return problem.Errorf(problem.PolicyExpires, "expires: %v outside %v to %v", p.Expires, minExpires, maxExpires)
	}
	if len(p.GiveUp) > maxGiveUp {
		return problem.Errorf(problem.PolicyGiveUps, "give_up: %d statuses, at most %d", len(p.GiveUp), maxGiveUp)
	}
	for _, code := range p.GiveUp {
		if code < 400 || code > 599 {
			return problem.Errorf(problem.PolicyGiveUp, "give_up: status %d outside 400 to 599", code)
		}
	}
	if p.Rate != 0 && !(p.Rate >= minRate && p.Rate <= maxRate) {
		return problem.Errorf(problem.PolicyRate, "rate: %v outside %v to %v", p.Rate, minRate, maxRate)
	}
	if p.Concurrency < 0 || p.Concurrency > maxConcurrency {
		return problem.Errorf(problem.PolicyConcurrency, "concurrency: %d outside 0 to %d", p.Concurrency, maxConcurrency)
	}
	return nil
}

// delivered reports whether a status counts as delivered.
func (p Policy) delivered(status int) bool {
	if len(p.Success) == 0 {
		return status >= 200 && status <= 299
	}
	return slices.Contains(p.Success, status)
}

// expired reports whether it is too late to send m.
func (p Policy) expired(m *Message, now time.Time) bool {
	return p.Expires > 0 && !m.Composed.IsZero() && now.Sub(m.Composed) > p.Expires
}

// Next returns the wait that p has after the failed attempt a of m, or false if it was the
// last: by its number, or by a status in GiveUp. Zero fields of p mean what they do in the
// Policy of m. It is a [RetryFunc], and for those that decide only some cases themselves:
//
//	return m.Policy.Next(m, a)
//
// Bounds do not bound a RetryFunc: where customers write the policies, clamp p first, with
// [Bounds.Clamp].
func (p Policy) Next(m *Message, a Attempt) (wait time.Duration, ok bool) {
	if m == nil || a.N < 1 || slices.Contains(p.GiveUp, a.Status) {
		return 0, false
	}
	return p.complete(m.Event).next(m.ID, a.N)
}

// next returns the wait after the nth attempt of message id failed, or false if it was
// the last. p is complete.
func (p Policy) next(id string, n int) (time.Duration, bool) {
	if n >= p.Attempts {
		return 0, false
	}
	wait := p.Waits[min(n, len(p.Waits))-1]
	if p.Jitter == 0 {
		return wait, true
	}
	sum := sha256.Sum256(strconv.AppendInt([]byte(id+"."), int64(n), 10))
	unit := float64(binary.BigEndian.Uint64(sum[:])>>11) / (1 << 53) // evenly from [0, 1)
	return time.Duration(float64(wait) * (1 + p.Jitter*(2*unit-1))), true
}

// The JSON form of a Policy. With omitzero an empty list survives a round trip as an
// empty list.
type policyJSON struct {
	Success  []int    `json:"success,omitzero"`
	Timeout  string   `json:"timeout,omitzero"`
	Attempts int      `json:"attempts,omitzero"`
	Waits    []string `json:"waits,omitzero"`
	Jitter   float64  `json:"jitter,omitzero"`
	Expires  string   `json:"expires,omitzero"`
	GiveUp   []int    `json:"give_up,omitzero"`

	Rate        float64 `json:"rate,omitzero"`
	Concurrency int     `json:"concurrency,omitzero"`
}

// MarshalJSON writes the policy with durations as strings. Fields that are not set are
// omitted.
func (p Policy) MarshalJSON() ([]byte, error) {
	j := policyJSON{
		Success: p.Success, Attempts: p.Attempts, Jitter: p.Jitter, GiveUp: p.GiveUp,
		Rate: p.Rate, Concurrency: p.Concurrency,
	}
	if p.Expires != 0 {
		j.Expires = p.Expires.String()
	}
	if p.Timeout != 0 {
		j.Timeout = p.Timeout.String()
	}
	if p.Waits != nil {
		j.Waits = make([]string, len(p.Waits))
	}
	for i, wait := range p.Waits {
		j.Waits[i] = wait.String()
	}
	return json.Marshal(j)
}

// UnmarshalJSON reads what MarshalJSON writes. It replaces all of p, and leaves it
// alone after an error, which names the member. It does not judge the values: [Compile]
// and [Client.Try] do.
func (p *Policy) UnmarshalJSON(data []byte) error {
	if string(data) == "null" { // as encoding/json has it, null changes nothing
		return nil
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(data, &members); err != nil {
		return errors.New("webhook: policy: not a JSON object")
	}
	var q Policy
	// sorted, so that the same text has the same error
	for _, name := range slices.Sorted(maps.Keys(members)) {
		if err := q.setMember(name, members[name]); err != nil {
			return fmt.Errorf("webhook: policy %s: %w", name, err)
		}
	}
	*p = q
	return nil
}

func (p *Policy) setMember(name string, value json.RawMessage) error {
	switch name {
	case "success":
		return setStatuses(&p.Success, value, "[200, 202]")
	case "give_up":
		return setStatuses(&p.GiveUp, value, "[400, 404]")
	case "timeout":
		return setOneDuration(&p.Timeout, value)
	case "expires":
		return setOneDuration(&p.Expires, value)
	case "attempts":
		if json.Unmarshal(value, &p.Attempts) != nil {
			return errors.New("want a whole number")
		}
	case "waits":
		var texts []*string
		if json.Unmarshal(value, &texts) != nil {
			return errNotDuration
		}
		if texts != nil {
			p.Waits = make([]time.Duration, len(texts))
		}
		for i, text := range texts {
			if text == nil { // inside a list, null is no way to leave a wait out
				return errNotDuration
			}
			if err := setDuration(&p.Waits[i], text); err != nil {
				return err
			}
		}
	case "jitter":
		if json.Unmarshal(value, &p.Jitter) != nil {
			return errors.New("want a number from 0 to 1")
		}
	case "rate":
		if json.Unmarshal(value, &p.Rate) != nil {
			return errors.New("want a number, of attempts a second")
		}
	case "concurrency":
		if json.Unmarshal(value, &p.Concurrency) != nil {
			return errors.New("want a whole number")
		}
	default:
		return errors.New("unknown member, want success, timeout, attempts, waits, jitter, expires, give_up, rate or concurrency")
	}
	return nil
}

func setStatuses(codes *[]int, value json.RawMessage, example string) error {
	if json.Unmarshal(value, codes) != nil {
		return errors.New("want a list of status codes such as " + example)
	}
	return nil
}

func setOneDuration(d *time.Duration, value json.RawMessage) error {
	var text *string
	if json.Unmarshal(value, &text) != nil {
		return errNotDuration
	}
	return setDuration(d, text)
}

var errNotDuration = errors.New(`want a string with a unit such as "10s", not a number`)

func setDuration(d *time.Duration, text *string) error {
	if text == nil {
		return nil
	}
	v, err := time.ParseDuration(*text)
	if err != nil {
		return errNotDuration
	}
	*d = v
	return nil
}

// A RetryFunc says how long to wait after a failed attempt, or with false that it was
// the last. It is asked for failures that may be retried only: not after a delivery, a
// 410 or a status of the policy's GiveUp, an invalid or expired message or the caller's
// cancellation. A Retry-After of the receiver
// lengthens its wait; a negative wait is none.
//
// It must be pure, a function of its arguments, since a queue may ask again in another
// process; it must not change the message and must be safe for concurrent use. If it
// panics, the message's Policy decides.
type RetryFunc func(m *Message, a Attempt) (wait time.Duration, ok bool)

// FromBackOff makes a [RetryFunc] of a policy of github.com/cenkalti/backoff/v4. These
// are stateful, so after attempt n it makes a new one and replays n steps on it;
// backoff.Stop ends the delivery. Bound it with backoff.WithMaxRetries: MaxElapsedTime
// has no effect in a replay that takes no time, and without a bound the delivery goes
// on until its context ends. Policies with randomization give another wait each time
// they are asked; [Policy] has a Jitter that does not.
func FromBackOff(newBackOff func() backoff.BackOff) RetryFunc {
	return func(_ *Message, a Attempt) (time.Duration, bool) {
		b := newBackOff()
		b.Reset()
		wait := backoff.Stop
		for range a.N {
			if wait = b.NextBackOff(); wait == backoff.Stop {
				return 0, false
			}
		}
		return wait, a.N > 0
	}
}

// retryAfter reads a Retry-After header: seconds, or one of the three dates of HTTP
// judged by our clock. The result is from 0 to maxRetryAfter, and 0 for what cannot be
// read.
func retryAfter(value string, now time.Time) time.Duration {
	if value == "" {
		return 0
	}
	if strings.Trim(value, "0123456789") != "" {
		at, err := http.ParseTime(value)
		if err != nil {
			return 0
		}
		return min(max(at.Sub(now), 0), maxRetryAfter)
	}
	const limit = uint64(maxRetryAfter / time.Second)
	seconds, err := strconv.ParseUint(value, 10, 64)
	if err != nil { // only digits, so too many of them
		seconds = limit
	}
	// cut before the product, which would wrap
	return time.Duration(min(seconds, limit)) * time.Second
}
