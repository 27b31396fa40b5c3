package webhook_test

import (
	"net/http"
	"testing"

	"github.com/ringhook/webhook"
)

// roundTripFunc is a function that is an http.RoundTripper.
type roundTripFunc func(*http.Request) (*http.Response, error)

func (f roundTripFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// answer is a transport that answers with these statuses in turn, and then with the last one.
func answer(codes ...int) http.RoundTripper {
	return roundTripFunc(func(*http.Request) (*http.Response, error) {
		code := codes[0]
		if len(codes) > 1 {
			codes = codes[1:]
		}
		return &http.Response{StatusCode: code, Header: http.Header{}, Body: http.NoBody}, nil
	})
}

// unreachable is a transport that must not be asked.
func unreachable(t testing.TB) http.RoundTripper {
	return roundTripFunc(func(*http.Request) (*http.Response, error) {
		t.Error("something was sent")
		return nil, http.ErrNotSupported
	})
}

// message is a plain POST.
func message(url string) *webhook.Message {
	return &webhook.Message{
		ID: "msg_1", WebhookID: "wh_1", Event: status, Method: http.MethodPost, URL: url,
		Header: http.Header{"Content-Type": {"application/json"}}, Body: []byte(`{"status":"sent"}`),
	}
}
