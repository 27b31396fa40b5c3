package request_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook/internal/request"
)

func TestParseURL(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{
		"http://h", "https://h:8443/a%2Fb?c=d", "HTTPS://H", "https://[::1]:80/", "https://bücher.example/é?ü", "https://h?x=/", "https://faß.example/", "https://उदाहरण.example/", "https://例え.テスト", "https://한국.kr", "https://h.test.", "https://0x7g", "https://1.a1", "https://" + strings.Repeat("a.", 124) + "test./", "https://" + strings.Repeat("a", 63) + ".test", "https://H.Example", "https://127.0.0.1",
		"https://h/" + strings.Repeat("a", request.MaxURLSize-len("https://h/")),
	} {
		u, err := request.ParseURL(raw)
		require.NoError(t, err, raw)
		require.NotEmpty(t, u.Hostname())
	}
	const noName = "URL has a host name that no server can have"
	tests := map[string]string{
		"":                       "URL must start with http:// or https://",
		"ftp://h":                "URL must start with http:// or https://",
		"https:h":                "URL has no host",
		"https://":               "URL has no host",
		"https:///secret":        "URL has no host",
		"https://:80/":           "URL has no host",
		"https://u:secret@h/":    "URL must not have a user name or password; use a header",
		"https://h/#secret":      "URL must not have a fragment",
		"https://h/#":            "URL must not have a fragment",
		"https://[fe80::1%25e]/": "URL must not have a zone in its host",
		"https://h!secret/":      "URL has an invalid character in its host",
		"https://xn--a.example/": noName,
		"https://\u0300a.test/":  noName,
		"https://a\u05d0.test/":  noName,
		"https://h..test/":       noName,
		"https://h.test../":      noName,
		"https://.h.test/":       noName,
		"https://./":             noName,
		"https://127.1/":         noName,
		"https://256.1.1.1/":     noName,
		"https://1.2.3.4.5/":     noName,
		"https://1.2.3.4./":      noName,
		"https://2130706433/":    noName,
		"https://0X7F.0x/":       noName,
		"https://" + strings.Repeat("a", 64) + ".test":   noName,
		"https://" + strings.Repeat("a.", 125) + "test/": noName,
		"https://h:0/":            "URL has a port outside 1 to 65535",
		"https://h:65536/":        "URL has a port outside 1 to 65535",
		"https://h:/":             "URL has a port outside 1 to 65535",
		"https://h/%zz":           "URL cannot be parsed",
		"https://h:secret/":       "URL cannot be parsed",
		"https://h/a b":           "URL has a blank, a control character or a backslash at offset 11",
		"https://h/\x7f":          "URL has a blank, a control character or a backslash at offset 10",
		`https://h\secret/`:       "URL has a blank, a control character or a backslash at offset 9",
		"https://h/secret\r\nX: ": "URL has a blank, a control character or a backslash at offset 16",
	}
	for raw, want := range tests {
		_, err := request.ParseURL(raw)
		require.EqualError(t, err, want, raw)
	}
	_, err := request.ParseURL("https://h/" + strings.Repeat("a", request.MaxURLSize))
	require.ErrorIs(t, err, request.ErrLimit)
}

func TestBadSegment(t *testing.T) {
	t.Parallel()
	tests := []struct {
		path, sample string
		index        int
		err          error
	}{
		{"", "", 0, nil},
		{"/", "/", 0, nil},
		{"/a/b", "/x/x", 0, nil},
		{"//a//", "//x//", 0, nil},
		{"/...", "/x", 0, nil},
		{"/.a/b.", "/x/x", 0, nil},
		{"/%252e%252e", "/x", 0, nil},
		{"/a%2Fb%5Cc", "/x", 0, nil},
		{"/a?/../", "/x?/x/", 0, nil},
		{"/;v=1", "/;v=x", 0, nil},
		{"/.", "/x", 0, request.ErrDotSegment},
		{"/a/%2e%2E/b", "/x/x/x", 1, request.ErrDotSegment},
		{"/a/b%2F..", "/x/x", 1, request.ErrDotSegment},
		{"/a/..%5Cb", "/x/x", 1, request.ErrDotSegment},
		{"/a/b%2F.%2Fc/d", "/x/x/x", 1, request.ErrDotSegment},
		{"/..;v=1/a", "/x;v=1/x", 0, request.ErrDotSegment},
		{"/a%2F..%3Bv", "/x", 0, request.ErrDotSegment},
		{"/a/", "/x/x", 1, request.ErrEmptySegment},
		{"//a", "/x/x", 0, request.ErrEmptySegment},
		{"/a/%2F%5C/b", "/x/x/x", 1, request.ErrEmptySegment},
		{"/;v=1/b", "/x;v=1/x", 0, request.ErrEmptySegment},
	}
	for _, tt := range tests {
		t.Run(tt.path, func(t *testing.T) {
			t.Parallel()
			i, err := request.BadSegment("https://h"+tt.path, "https://h"+tt.sample)
			if tt.err == nil {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, tt.err)
			require.Equal(t, tt.index, i)
		})
	}
}

// What passes has no part that goes up, however often the path is cut.
func FuzzBadSegment(f *testing.F) {
	for _, path := range []string{"a/b", "..%2f", "%2e./x", `a\..\b`, "a;/..;b", "//", "%", "%5c"} {
		f.Add(path)
	}
	f.Fuzz(func(t *testing.T, path string) {
		if strings.Contains(path, "?") {
			return
		}
		if _, err := request.BadSegment("https://h/"+path, "https://h/"+path); err != nil {
			return
		}
		decoded, err := url.PathUnescape(path)
		if err != nil {
			return
		}
		for _, part := range strings.FieldsFunc(decoded, func(r rune) bool { return r == '/' || r == '\\' }) {
			require.NotContains(t, []string{".", ".."}, part)
		}
	})
}

func TestCheckHeader(t *testing.T) {
	t.Parallel()
	many := func(n int) http.Header {
		h := http.Header{}
		for i := range n {
			h[fmt.Sprintf("X-%d", i)] = []string{"x"}
		}
		return h
	}
	full := many(request.MaxHeaders)
	full["Content-Type"] = []string{"text/plain"}
	for _, h := range []http.Header{
		nil, full,
		{"X-A": {"é\t ", ""}, "x-b": nil},
		{"X": {strings.Repeat("x", request.MaxHeaderSize)}},
		{strings.Repeat("x", request.MaxNameSize): {""}},
		{"!#$%&'*+-.^_`|~0Az": {"x"}},
	} {
		require.NoError(t, request.CheckHeader(h))
	}
	tests := map[string]http.Header{
		"more than 50 headers: over the limit":                               many(request.MaxHeaders + 1),
		"duplicate header X-A":                                               {"X-A": {"1"}, "x-a": {"2"}},
		"empty header name":                                                  {"": {"x"}},
		"invalid character in a header name at offset 1":                     {"a b": {"x"}},
		"header name of 257 bytes, at most 256: over the limit":              {strings.Repeat("x", 257): {"x"}},
		"header X: header value has a control character at offset 1":         {"X": {"a\nb"}},
		"header X: header value of 4097 bytes, at most 4096: over the limit": {"X": {strings.Repeat("x", 4097)}},
	}
	for want, h := range tests {
		require.EqualError(t, request.CheckHeader(h), want)
	}
	for _, name := range []string{
		"host", "Content-Length", "transfer-encoding", "TE", "Metadata-Flavor", "X-aws-ec2-metadata-token-ttl-seconds",
		"webhook-id", "Webhook-Signature", "Webhook-Timestamp", "Signature",
	} {
		_, err := request.CheckHeaderName(name)
		require.ErrorContains(t, err, "must not be set", name)
	}
	_, err := request.CheckSignatureName("signature")
	require.NoError(t, err)
	_, err = request.CheckSignatureName("Host")
	require.EqualError(t, err, "header Host must not be set")
}

func TestCheckID(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"a", "msg_A-9", strings.Repeat("x", 64)} {
		require.NoError(t, request.CheckID(id))
	}
	for id, want := range map[string]string{
		"":                      "message id of 0 bytes, want 1 to 64",
		strings.Repeat("x", 65): "message id of 65 bytes, want 1 to 64",
		"a.b":                   "message id has a character other than letters, digits, _ and - at offset 1",
		"aé":                    "message id has a character other than letters, digits, _ and - at offset 1",
	} {
		require.EqualError(t, request.CheckID(id), want)
	}
}

func TestCheckMethod(t *testing.T) {
	t.Parallel()
	for _, method := range request.Methods {
		require.NoError(t, request.CheckMethod(method))
	}
	for _, method := range []string{"", "get", "HEAD", "CONNECT", strings.Repeat("\n", 1000)} {
		err := request.CheckMethod(method)
		require.ErrorContains(t, err, "unknown method ")
		require.Less(t, len(err.Error()), 200)
	}
}

// A host has one spelling, whatever it was written in: that of the look-up.
func TestASCIIHost(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]string{
		"example.com": "example.com", "EXAMPLE.com:80": "example.com:80", "a_b.test.": "a_b.test.",
		"r3---sn.test": "r3---sn.test", "127.0.0.1:80": "127.0.0.1:80", "[::FFFF:A]:80": "[::ffff:a]:80", "[::1]": "[::1]",
		"bücher.example": "xn--bcher-kva.example", "BÜCHER.example:8080": "xn--bcher-kva.example:8080",
		"bu\u0308cher.example": "xn--bcher-kva.example", "XN--BCHER-KVA.example": "xn--bcher-kva.example",
		"faß.example": "xn--fa-hia.example", "ｅxample.com": "example.com", "ﬁ.example": "fi.example",
		"１２７.0.0.1": "127.0.0.1", "例え.テスト": "xn--r8jz45g.xn--zckzah", "उदाहरण.example": "xn--p1b6ci4b4b3a.example",
	} {
		got, err := request.ASCIIHost(host)
		require.NoError(t, err, host)
		require.Equal(t, want, got)
		again, err := request.ASCIIHost(got)
		require.NoError(t, err, host)
		require.Equal(t, got, again)
	}
	for _, host := range []string{"xn--a.example", "a.xn--999999999.test", "\u0300a.test", "a\u05d0.test", "a\u200db.test"} {
		_, err := request.ASCIIHost(host)
		require.EqualError(t, err, "host name that no server can have", host)
	}
}
