package http1_test

import (
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook/internal/http1"
)

// What is written is known to the byte.
func TestDo_Bytes(t *testing.T) {
	t.Parallel()
	large := strings.Repeat("0123456789abcdef", 4<<10)
	tests := []struct {
		name    string
		request http1.Request
		want    string
	}{
		{
			"POST",
			http1.Request{Method: "POST", URL: &url.URL{Scheme: "http", Host: "h.test:81", Path: "/a b", RawPath: "/a%20b", RawQuery: "q=%20&r"}, Header: http.Header{
				"X-B": {" 2\t", "3"}, "User-Agent": {"Ringhook", "other"}, "Accept": {"*/*"}, "X-None": nil, "X-Empty": {""},
			}, Body: []byte("body")},
			"POST /a%20b?q=%20&r HTTP/1.1\nHost: h.test:81\nContent-Length: 4\nAccept: */*\nUser-Agent: Ringhook\nX-B: 2\nX-B: 3\nX-Empty: \n\nbody",
		},
		{"POST without a body", http1.Request{Method: "POST", URL: mustURL(t, "http://h.test")}, "POST / HTTP/1.1\nHost: h.test\nContent-Length: 0\n\n"},
		{"GET", http1.Request{Method: "GET", URL: mustURL(t, "http://h.test?"), Header: http.Header{"User-Agent": {""}}}, "GET /? HTTP/1.1\nHost: h.test\n\n"},
		{"DELETE", http1.Request{Method: "DELETE", URL: mustURL(t, "http://h.test//x;y?a=b?c")}, "DELETE //x;y?a=b?c HTTP/1.1\nHost: h.test\n\n"},
		{"DELETE with a body", http1.Request{Method: "DELETE", URL: mustURL(t, "http://h.test/"), Body: []byte("x")}, "DELETE / HTTP/1.1\nHost: h.test\nContent-Length: 1\n\nx"},
		{"the connection's own headers", http1.Request{Method: "PUT", URL: mustURL(t, "http://[::1]:80/"), Header: http.Header{
			"Host": {"x"}, "Content-Length": {"9"}, "Transfer-Encoding": {"chunked"}, "Connection": {"close"}, "Trailer": {"x"},
		}}, "PUT / HTTP/1.1\nHost: [::1]:80\nContent-Length: 0\n\n"},
		{"a body that just goes with the header", http1.Request{Method: "PUT", URL: mustURL(t, "http://h.test/"), Body: []byte(large[:16<<10-56])}, "PUT / HTTP/1.1\nHost: h.test\nContent-Length: 16328\n\n" + large[:16<<10-56]},
		{"a body of a byte more", http1.Request{Method: "PUT", URL: mustURL(t, "http://h.test/"), Body: []byte(large[:16<<10-55])}, "PUT / HTTP/1.1\nHost: h.test\nContent-Length: 16329\n\n" + large[:16<<10-55]},
		{"a large header", http1.Request{Method: "PUT", URL: mustURL(t, "http://h.test/"), Header: http.Header{"X": {large[:20000]}}, Body: []byte("body")}, "PUT / HTTP/1.1\nHost: h.test\nContent-Length: 4\nX: " + large[:20000] + "\n\nbody"},
		{"large body", http1.Request{Method: "PATCH", URL: mustURL(t, "http://h.test/"), Body: []byte(large)}, "PATCH / HTTP/1.1\nHost: h.test\nContent-Length: 65536\n\n" + large},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			want := spaces(tt.want)
			got := make([]byte, len(want))
			tr := pipeTransport(t, func(conn net.Conn) {
				_, _ = io.ReadFull(conn, got)
				_, _ = io.WriteString(conn, ok)
			})
			a, err := tr.Do(t.Context(), &tt.request)
			require.NoError(t, err)
			require.Equal(t, http1.Answer{Status: 200, Header: http.Header{"Content-Length": {"2"}}, Body: []byte("ok"), Requests: 1}, a)
			require.Equal(t, want, string(got))
		})
	}
}

// Whatever could end a line early is refused before anything is written.
func TestDo_Invalid(t *testing.T) {
	t.Parallel()
	tests := map[string]func(*http1.Request){
		"invalid method":                       func(r *http1.Request) { r.Method = "GET /" },
		"invalid character in the URL":         func(r *http1.Request) { r.URL.RawQuery = "a b" },
		"invalid character in the header Host": func(r *http1.Request) { r.URL.Host = "a\r\nb" },
		"invalid name of a header":             func(r *http1.Request) { r.Header["X Y"] = []string{"1"} },
		"invalid character in the header X":    func(r *http1.Request) { r.Header["X"] = []string{"a\r\nY: 1"} },
	}
	for want, change := range tests {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			r := post(mustURL(t, "http://h.test/"))
			change(r)
			a, err := pipeTransport(t, func(net.Conn) { t.Error("connected") }).Do(t.Context(), r)
			require.EqualError(t, err, want)
			require.Zero(t, a.Requests)
		})
	}
}
