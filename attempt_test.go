package webhook_test

import (
	"errors"
	"net/http"
	"net/http/httptrace"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
)

// A request that broke is one request, unless another one took its place.
func TestClient_Requests(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	tests := []struct {
		name    string
		written []error // of the requests that were begun
		want    int
	}{
		{"none", nil, 0},
		{"one", []error{nil}, 1},
		{"broken", []error{broken}, 1},
		{"broken, then another", []error{broken, nil}, 1},
		{"two broken, then another", []error{broken, broken, nil}, 1},
		{"repeated", []error{nil, nil}, 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := &webhook.Client{Transport: roundTripFunc(func(r *http.Request) (*http.Response, error) {
				trace := httptrace.ContextClientTrace(r.Context())
				for _, err := range tt.written {
					trace.WroteHeaders()
					trace.WroteRequest(httptrace.WroteRequestInfo{Err: err})
				}
				return nil, broken
			})}
			a := c.Try(t.Context(), message("http://receiver.test/"), 1)
			require.Equal(t, tt.want, a.Requests)
			require.Equal(t, tt.want > 0, a.MayHaveArrived)
		})
	}
}
