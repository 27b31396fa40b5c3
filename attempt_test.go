package webhook_test

import (
	"errors"
	"go/ast"
	"go/parser"
	gotoken "go/token"
	"io"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
)

// The list of classes has the constants there are, in their order.
func TestClasses(t *testing.T) {
	t.Parallel()
	file, err := parser.ParseFile(gotoken.NewFileSet(), "attempt.go", nil, 0)
	require.NoError(t, err)
	var want []webhook.Class
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if name, ok := spec.Type.(*ast.Ident); ok && name.Name == "Class" {
			text, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			require.NoError(t, err)
			want = append(want, webhook.Class(text))
		}
		return true
	})
	require.Contains(t, want, webhook.ClassStatus)
	require.Equal(t, want, webhook.Classes())
}

// A request that broke counts as one request, unless net/http repeated it.
func TestClient_Requests(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	tests := []struct {
		name    string
		written []error // the results of the requests that were begun
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

type panickingError struct{}

func (panickingError) Error() string { panic("secret") }

// A Transport that breaks its contract fails the attempt, and nothing stays open.
func TestClient_OddTransport(t *testing.T) {
	t.Parallel()
	body := &closeCounter{}
	c := &webhook.Client{Transport: roundTripFunc(func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Body: body}, errors.New("both")
	})}
	a := c.Try(t.Context(), message("http://receiver.test/"), 1)
	require.Error(t, a.Err)
	require.Zero(t, a.Status)
	require.Equal(t, 1, body.closed)

	c = &webhook.Client{Transport: roundTripFunc(func(*http.Request) (*http.Response, error) { return nil, panickingError{} })}
	a = c.Try(t.Context(), message("http://receiver.test/"), 1)
	require.Equal(t, webhook.ClassProtocol, a.Class)
	require.NotContains(t, errors.Unwrap(a.Err).Error(), "secret")
}

type closeCounter struct{ closed int }

func (*closeCounter) Read([]byte) (int, error) { return 0, io.EOF }

func (c *closeCounter) Close() error {
	c.closed++
	return nil
}

// net/http drops some headers: a signature must not have such a name.
func TestClient_SignatureInReservedHeader(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"Host", "content-length", "Transfer-Encoding", "Trailer"} {
		c := &webhook.Client{Transport: unreachable(t), Signer: webhook.HMAC{Header: name}}
		a := c.Try(t.Context(), message("http://receiver.test/"), 1)
		require.Equal(t, webhook.ClassSign, a.Class, name)
	}
}
