package webhooktest

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/ringhook/webhook"
)

// StartFunc starts the Sender under test for [TestSender]. The sender makes its
// attempts through c, or as c would, and reports each to c.OnAttempt. wait is called
// once, after the last Send has returned, and returns when everything that was sent has
// been delivered or given up. Whatever has to be stopped, t.Cleanup should stop.
type StartFunc = func(t testing.TB, c *webhook.Client) (s webhook.Sender, wait func())

// TestSender tests that a Sender behaves as [webhook.Client] does, which passes it as
//
//	start := func(_ testing.TB, c *webhook.Client) (webhook.Sender, func()) {
//		return c, func() {}
//	}
//	webhooktest.TestSender(t, start)
//
// Each subtest has a receiver, a client and a sender of its own, and judges by what the
// receiver and OnAttempt had seen when wait returned. So that senders that deliver later
// pass too, only two things are expected of the error of Send: it is nil for a message
// that will be delivered, and not nil when the context has ended.
//
// The test takes about two seconds, since Retry-After has no unit below a second.
func TestSender(t *testing.T, start StartFunc) {
	for _, c := range senderChecks() {
		t.Run(c.name, func(t *testing.T) { c.run(t, start) })
	}
}

// A senderCheck takes a testing.TB so that a test can look at how it fails.
type senderCheck struct {
	name string
	run  func(t testing.TB, start StartFunc)
}

func senderChecks() []senderCheck {
	return append(deliveryChecks(), []senderCheck{
		{"every method", checkMethods},
		{"Retry-After is honoured", checkRetryAfter},
		{"redirects are not followed", checkRedirect},
		{"RetryFunc decides", checkRetryFunc},
		{"nothing is sent unsigned", checkSignerFails},
		{"many at once", checkMany},
		{"invalid messages are not sent", checkInvalid},
		{"a context that has ended", checkCanceled},
	}...)
}

// A trial is one sender with its receiver, and what its client reported.
type trial struct {
	testing.TB
	rcv    *Receiver
	client *webhook.Client

	mu       sync.Mutex                   // guards all that follows
	attempts map[string][]webhook.Attempt // by message id
	signed   int
}

func newTrial(t testing.TB, script ...Answer) *trial {
	tr := &trial{TB: t, rcv: NewReceiver(script...), attempts: make(map[string][]webhook.Attempt)}
	t.Cleanup(tr.rcv.Close)
	tr.client = tr.rcv.Client()
	tr.client.Signer = webhook.SignerFunc(tr.sign)
	tr.client.OnAttempt = func(_ context.Context, m *webhook.Message, a webhook.Attempt) {
		tr.mu.Lock()
		defer tr.mu.Unlock()
		tr.attempts[m.ID] = append(tr.attempts[m.ID], a)
	}
	return tr
}

// sign makes a different signature each time, so that one that is used again shows.
func (tr *trial) sign(_ context.Context, _ *webhook.Message, _ time.Time, h http.Header) error {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.signed++
	h.Set(webhook.HeaderSignature, strconv.Itoa(tr.signed))
	return nil
}

// message returns one that is easily changed by mistake: it has escapes in the URL, a
// header with two values, bytes that are not text. Its id is new to any store.
func (tr *trial) message() *webhook.Message {
	return &webhook.Message{
		ID: rand.Text(), WebhookID: "wh_1", Event: "test:event",
		Method: http.MethodPost, URL: tr.rcv.URL + "/a%2Fb/?to=%2B15550100&q=a+b&empty=",
		Header: http.Header{"Content-Type": {"application/json"}, "X-Api-Key": {"one", "two"}},
		Body:   []byte("{ \"text\": \"<Zoë> & co\" }\r\n\x00\xff"),
		Policy: webhook.Policy{
			Timeout: 5 * time.Second, Attempts: 4,
			Waits: []time.Duration{time.Millisecond, 3 * time.Millisecond},
		},
	}
}

// deliver sends messages from up to eight goroutines, waits until the sender is done
// with them, and checks that it has not changed them.
func (tr *trial) deliver(ctx context.Context, start StartFunc, messages ...*webhook.Message) (errs []error) {
	tr.Helper()
	sender, wait := start(tr.TB, tr.client)
	before := make([]*webhook.Message, len(messages))
	for i, m := range messages {
		before[i] = clone(m)
	}
	errs = make([]error, len(messages))
	var all sync.WaitGroup
	for first := range min(8, len(messages)) {
		all.Go(func() {
			for i := first; i < len(messages); i += 8 {
				errs[i] = sender.Send(ctx, messages[i])
			}
		})
	}
	all.Wait()
	wait()
	if !reflect.DeepEqual(before, messages) {
		tr.Errorf("the sender has changed a message")
	}
	return errs
}

// outcome is what a row expects of one attempt.
type outcome struct {
	status int
	class  webhook.Class
	result webhook.Outcome
}

// check compares the attempts made for m with those that should have been made, and
// checks that all requests are m, each with a signature of its own and none too early.
func (tr *trial) check(m *webhook.Message, requests int, want ...outcome) {
	tr.Helper()
	attempts, got := tr.attemptsOf(m), []outcome(nil)
	for i, a := range attempts {
		got = append(got, outcome{a.Status, a.Class, a.Outcome})
		if a.N != i+1 {
			tr.Errorf("attempt %d has the number %d", i+1, a.N)
		}
		if a.Outcome == webhook.OutcomeRetrying && a.Wait < m.Policy.Waits[min(i, len(m.Policy.Waits)-1)] {
			tr.Errorf("the wait after attempt %d is %v, less than the policy's", a.N, a.Wait)
		}
	}
	if !slices.Equal(got, want) {
		tr.Errorf("attempts (status, class, outcome):\n got %v\nwant %v", got, want)
	}

	came := tr.requestsOf(m)
	if len(came) != requests {
		tr.Errorf("%d requests arrived under the message's id, want %d", len(came), requests)
	}
	signatures := make(map[string]bool)
	for i, r := range came {
		tr.checkRequest(m, r)
		signature := r.Header.Get(webhook.HeaderSignature)
		if signature == "" || signatures[signature] {
			tr.Errorf("request %d is not signed afresh: signature %q", i+1, signature)
		}
		signatures[signature] = true
		if i > 0 && len(came) == len(attempts) && r.At.Sub(came[i-1].At) < attempts[i-1].Wait {
			tr.Errorf("request %d came %v after the one before it, want at least %v",
				i+1, r.At.Sub(came[i-1].At), attempts[i-1].Wait)
		}
	}
}

func (tr *trial) attemptsOf(m *webhook.Message) []webhook.Attempt {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	return slices.Clone(tr.attempts[m.ID])
}

// last returns the last attempt to deliver m, or a zero one.
func (tr *trial) last(m *webhook.Message) (last webhook.Attempt) {
	for _, last = range tr.attemptsOf(m) {
	}
	return last
}

func (tr *trial) requestsOf(m *webhook.Message) []Request {
	return slices.DeleteFunc(tr.rcv.Requests(), func(r Request) bool { return r.ID != m.ID })
}

// checkRequest checks that r is m, to the byte.
func (tr *trial) checkRequest(m *webhook.Message, r Request) {
	tr.Helper()
	if r.Method != m.Method || tr.rcv.URL+r.URL != m.URL {
		tr.Errorf("request is %s %s, want %s %s", r.Method, tr.rcv.URL+r.URL, m.Method, m.URL)
	}
	for name, values := range m.Header {
		if !slices.Equal(r.Header[name], values) {
			tr.Errorf("request has %s %q, want %q", name, r.Header[name], values)
		}
	}
	if !bytes.Equal(r.Body, m.Body) {
		tr.Errorf("request has the body %q, want %q", r.Body, m.Body)
	}
}

// checkAccepted checks the errors of Send for messages that will be delivered.
func (tr *trial) checkAccepted(errs []error) {
	tr.Helper()
	if err := errors.Join(errs...); err != nil {
		tr.Errorf("Send of a message that was delivered: %v", err)
	}
}

func (tr *trial) checkTotal(requests int) {
	tr.Helper()
	if got := len(tr.rcv.Requests()); got != requests {
		tr.Errorf("%d requests arrived, want %d", got, requests)
	}
}

func clone(m *webhook.Message) *webhook.Message {
	c := *m
	c.Header, c.Body = m.Header.Clone(), bytes.Clone(m.Body)
	c.Policy.Success, c.Policy.Waits = slices.Clone(m.Policy.Success), slices.Clone(m.Policy.Waits)
	c.Policy.GiveUp = slices.Clone(m.Policy.GiveUp)
	return &c
}

func (o outcome) String() string { return fmt.Sprintf("%d %q %v", o.status, o.class, o.result) }
