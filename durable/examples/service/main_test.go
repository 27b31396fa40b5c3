package main

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/webhooktest"
)

// A client calls the service, which runs until it is stopped.
type client struct {
	t    *testing.T
	url  string
	stop func()
}

func start(t *testing.T, file string) *client {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	egress := webhook.Egress{AnyPort: true, Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}
	go func() { ended <- run(ctx, listener, file, egress) }()
	c := &client{t: t, url: "http://" + listener.Addr().String()}
	stopped := false
	c.stop = func() {
		if !stopped {
			stopped = true
			cancel()
			require.NoError(t, <-ended)
		}
	}
	t.Cleanup(c.stop)
	return c
}

// call makes a request and reads the answer into a value.
func (c *client) call(method, path, body string, status int, into any) {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), method, c.url+path, strings.NewReader(body))
	require.NoError(c.t, err)
	response, err := http.DefaultClient.Do(r)
	require.NoError(c.t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	require.NoError(c.t, err)
	require.Equal(c.t, status, response.StatusCode, "%s", text)
	require.NoError(c.t, json.Unmarshal(text, into), "%s", text)
}

type failure struct {
	Error    string            `json:"error"`
	Problems []webhook.Problem `json:"problems"`
}

// await waits until the only delivery of a webhook is in a state.
func (c *client) await(id string, state durable.State) (d durable.Delivery) {
	c.t.Helper()
	require.Eventually(c.t, func() bool {
		var page durable.Page
		c.call("GET", "/webhooks/"+id+"/deliveries?state="+string(state), "", http.StatusOK, &page)
		if len(page.Deliveries) == 1 {
			d = page.Deliveries[0]
		}
		return len(page.Deliveries) == 1
	}, 30*time.Second, 20*time.Millisecond)
	return d
}

const report = `{"source":"OBD","mid":"42","status":"BUSY"}`

func TestService(t *testing.T) {
	t.Parallel()
	receiver := webhooktest.NewReceiver(webhooktest.Status(422), webhooktest.Status(200))
	t.Cleanup(receiver.Close)
	file := filepath.Join(t.TempDir(), "service.db")
	c := start(t, file)
	hook := `{"name": "CRM", "url": "` + receiver.URL + `/calls", "body": "{\"call\": \"{{mid}}\", \"s\": \"{{status}}\"}",
		"policy": {"attempts": 1}}`

	var preview struct{ Method, URL, Body string }
	c.call("POST", "/webhooks/preview", hook, http.StatusOK, &preview)
	require.Equal(t, `{"call": "42", "s": "ANSWER"}`, preview.Body)
	var d created
	c.call("POST", "/webhooks", hook, http.StatusCreated, &d)
	secret, err := webhook.ParseSecret(d.Secret)
	require.NoError(t, err)
	receiver.Verifier = &webhook.Verifier{Secrets: []webhook.Secret{secret}}

	var first, again struct{ ID string }
	c.call("POST", "/webhooks/"+d.ID+"/calls", report, http.StatusAccepted, &first)
	c.call("POST", "/webhooks/"+d.ID+"/calls", report, http.StatusAccepted, &again)
	require.Equal(t, first, again, "it is one message")
	failed := c.await(d.ID, durable.StateFailed)
	require.Equal(t, first.ID, failed.ID)
	require.Equal(t, 422, failed.Status)
	require.Contains(t, failed.Error, "status 422")

	c.stop()
	c = start(t, file) // what it knows is in the file
	c.call("POST", "/deliveries/"+first.ID+"/resend", "", http.StatusAccepted, &again)
	require.Equal(t, first, again)
	require.Equal(t, 1, c.await(d.ID, durable.StateDelivered).Resent)
	c.call("POST", "/deliveries/"+first.ID+"/resend?recompose=1", "", http.StatusAccepted, &again)
	require.NotEqual(t, first, again, "the receiver has the first")
	got, err := receiver.Wait(t.Context(), 3)
	require.NoError(t, err)
	for i, id := range []string{first.ID, first.ID, again.ID} {
		require.NoError(t, got[i].Err, "the signature")
		require.Equal(t, `{"call": "42", "s": "BUSY"}`, string(got[i].Body))
		require.Equal(t, id, got[i].ID)
	}
}

func TestService_Refused(t *testing.T) {
	t.Parallel()
	c := start(t, filepath.Join(t.TempDir(), "service.db"))
	var health durable.Health
	c.call("GET", "/health", "", http.StatusOK, &health)
	require.Positive(t, health.Tables)
	var d created
	c.call("POST", "/webhooks", `{"url": "https://crm.example/"}`, http.StatusCreated, &d)
	tests := []struct {
		name, method, path, body string
		status                   int
		field                    string // of the first problem
	}{
		{"no JSON", "POST", "/webhooks", `url=`, 400, ""},
		{"unknown member", "POST", "/webhooks", `{"link": "https://crm.example/"}`, 400, ""},
		{"a name", "POST", "/webhooks", `{"url": "https://crm.example/", "body": "{{staus}}"}`, 422, "body"},
		{"a name in a preview", "POST", "/webhooks/preview", `{"url": "https://crm.example/", "body": "{{staus}}"}`, 422, "body"},
		{"metadata", "POST", "/webhooks", `{"url": "http://169.254.169.254/latest"}`, 422, "url"},
		{"waits", "POST", "/webhooks", `{"url": "https://crm.example/", "policy": {"waits": ["1ms"]}}`, 422, "policy"},
		{"no report", "POST", "/webhooks/" + d.ID + "/calls", `[]`, 400, ""},
		{"no such webhook", "POST", "/webhooks/7/calls", report, 404, ""},
		{"deliveries of none", "GET", "/webhooks/7/deliveries", "", 404, ""},
		{"a page", "GET", "/webhooks/" + d.ID + "/deliveries?after=x", "", 400, ""},
		{"a state", "GET", "/webhooks/" + d.ID + "/deliveries?state=lost", "", 400, ""},
		{"no such delivery", "POST", "/deliveries/x/resend", "", 404, ""},
		{"nor for its event", "POST", "/deliveries/x/resend?recompose=1", "", 404, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got failure
			(&client{t: t, url: c.url}).call(tt.method, tt.path, tt.body, tt.status, &got)
			require.NotEmpty(t, got.Error)
			if tt.field != "" {
				require.Equal(t, tt.field, got.Problems[0].Field)
				require.NotEmpty(t, got.Problems[0].Message)
			}
		})
	}
}
