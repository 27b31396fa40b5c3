package webhook_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/ringhook/webhook"
)

// Your own retry policy: a policy of cenkalti/backoff for most failures, and no retry for
// a 422, with which the receiver rejects the message for good.
func ExampleRetryFunc() {
	exponential := webhook.FromBackOff(func() backoff.BackOff {
		return backoff.WithMaxRetries(backoff.NewExponentialBackOff(
			backoff.WithInitialInterval(time.Millisecond),
			backoff.WithMultiplier(2),
			backoff.WithRandomizationFactor(0),
		), 5)
	})
	retry := func(m *webhook.Message, a webhook.Attempt) (time.Duration, bool) {
		if a.Status == http.StatusUnprocessableEntity {
			return 0, false
		}
		return exponential(m, a)
	}

	answers := []int{500, 503, 422}
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(answers[0])
		answers = answers[1:]
	}))
	defer receiver.Close()

	client := &webhook.Client{
		Transport: webhook.NewTransport(loopback), // a public receiver needs none
		Retry:     retry,
		OnAttempt: func(_ context.Context, _ *webhook.Message, a webhook.Attempt) {
			fmt.Println(a.N, a.Status, a.Outcome, a.Wait)
		},
	}
	defer client.CloseIdleConnections()
	err := client.Send(context.Background(), &webhook.Message{
		ID: "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W", Event: "dialer:cdr",
		Method: http.MethodPost, URL: receiver.URL, Body: []byte(`{"leg_type":1}`),
	})
	fmt.Println(err)
	// Output:
	// 1 500 retrying 1ms
	// 2 503 retrying 2ms
	// 3 422 failed 0s
	// webhook: message msg_2KWPBgLlAfxdpx2AI54pPJ85f4W not delivered after 3 attempts: status 422
}

// A webhook's policy is data: it can be stored, and edited in a form.
func ExamplePolicy() {
	m := &webhook.Message{Event: "voice:message:out"}
	m.Policy = webhook.PolicyFor(m.Event)
	m.Policy.Attempts = 5
	m.Policy.Jitter = 0.2
	fmt.Println(m.Policy.Success, m.Policy.Timeout, m.Policy.Waits)
	// Output: [200 202] 3s [10s 1m40s 16m40s 2h46m40s 27h46m40s]
}
