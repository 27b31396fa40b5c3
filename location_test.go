package webhook_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
)

func TestAttempt_Location(t *testing.T) {
	t.Parallel()
	const points = ": redirects are not followed; it points to "
	long := "/" + strings.Repeat("é", 300)
	tests := []struct {
		name     string
		status   int
		location string
		want     string // of Location
		text     string // of Err, behind the status
	}{
		{"another host", 307, "https://other.test/x", "https://other.test/x", points + "another host"},
		{"without a scheme", 307, "//other.test/x", "//other.test/x", points + "another host"},
		{"https", 301, "https://receiver.test/hook", "https://receiver.test/hook", points + "https of the same host"},
		{"another port", 308, "http://receiver.test:81/hook", "http://receiver.test:81/hook", points + "another port of the same host"},
		{"another path", 302, "http://RECEIVER.test:80/login", "http://RECEIVER.test:80/login", points + "another path of the same host"},
		{"a relative path", 303, "login", "login", points + "another path of the same host"},
		{"only a query", 302, "?to=919019912345", "", ": redirects are not followed"},
		{"the same path", 302, "/hook?to=919019912345#919", "/hook", points + "the same path of the same host"},
		{"a user", 302, "https://me:s3cr3t@other.test/x", "https://other.test/x", points + "another host"},
		{"no URL", 302, "http://[s3cr3t/", "", ": redirects are not followed"},
		{"none", 302, "", "", ": redirects are not followed"},
		{"bytes that are no text", 302, "/a\xffb", "/ab", points + "another path of the same host"},
		{"a long one", 302, long, "/" + strings.Repeat("é", 255), points + "another path of the same host"},
		{"no redirect", 500, "/status/7", "/status/7", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				header := http.Header{}
				if tt.location != "" {
					header.Set("Location", tt.location)
				}
				c := &webhook.Client{Transport: roundTripFunc(func(*http.Request) (*http.Response, error) {
					return &http.Response{StatusCode: tt.status, Header: header, Body: http.NoBody}, nil
				})}
				a := c.Try(t.Context(), message("http://receiver.test/hook?a=b"), 1)
				require.Equal(t, tt.want, a.Location)
				require.EqualError(t, a.Err, "webhook: status "+strconv.Itoa(tt.status)+tt.text)
				require.LessOrEqual(t, len(a.Location), 512)
			})
		})
	}
}

// A success has a Location too, as the 201 of something made; and no Want.
func TestAttempt_LocationOfSuccess(t *testing.T) {
	t.Parallel()
	c := &webhook.Client{Transport: roundTripFunc(func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 201, Header: http.Header{"Location": {"/made/7?k=v"}}, Body: http.NoBody}, nil
	})}
	a := c.Try(t.Context(), message("http://receiver.test/hook"), 1)
	require.NoError(t, a.Err)
	require.Equal(t, "/made/7", a.Location)
	require.Nil(t, a.Want)
}

func TestAttempt_Want(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		success []int
		text    string
	}{
		{"any", nil, ""},
		{"one", []int{202}, ", want 202"},
		{"two", []int{200, 202}, ", want 200 or 202"},
		{"three", []int{200, 202, 203}, ", want 200, 202 or 203"},
		{"many", []int{200, 202, 203, 205, 206, 207}, ", want 200, 202, 203, 205, 206 or others"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m := message("http://receiver.test/")
			m.Policy.Success = tt.success
			a := (&webhook.Client{Transport: answer(404)}).Try(t.Context(), m, 1)
			require.EqualError(t, a.Err, "webhook: status 404"+tt.text)
			want := tt.success
			require.Equal(t, want, a.Want)
			if len(a.Want) > 0 { // it is a copy
				a.Want[0] = 0
				require.NotZero(t, m.Policy.Success[0])
			}
		})
	}
}
