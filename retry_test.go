package webhook_test

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
)

// documented returns the documented waits as a policy of cenkalti/backoff.
func documented() backoff.BackOff {
	return backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(10*time.Second),
		backoff.WithMultiplier(10),
		backoff.WithRandomizationFactor(0),
		backoff.WithMaxInterval(100_000*time.Second),
		backoff.WithMaxElapsedTime(0),
	)
}

func TestPolicyFor(t *testing.T) {
	t.Parallel()
	waits := []time.Duration{
		10 * time.Second, 100 * time.Second, 1000 * time.Second, 10_000 * time.Second, 100_000 * time.Second,
	}
	want := webhook.Policy{Timeout: 3 * time.Second, Attempts: 3, Waits: waits}
	require.Equal(t, want, webhook.PolicyFor(status))
	require.Equal(t, want, webhook.PolicyFor("dialer:cdr"))
	require.Equal(t, want, webhook.PolicyFor(""))
	want.Success = []int{200, 202}
	require.Equal(t, want, webhook.PolicyFor("voice:message:out"))
	sms := want
	sms.Waits = []time.Duration{30 * time.Minute}
	require.Equal(t, sms, webhook.PolicyFor("sms:message:status"))
	sms = webhook.PolicyFor("sms:unsubscription")
	require.Empty(t, sms.Success)

	p := webhook.PolicyFor("voice:message:out")
	p.Waits[0], p.Success[0] = 0, 0
	require.Equal(t, want, webhook.PolicyFor("voice:message:out"), "the slices are the caller's own")
}

func TestPolicy_Complete(t *testing.T) {
	t.Parallel()
	set := webhook.Policy{Success: []int{204}, Timeout: time.Second, Attempts: 1, Waits: []time.Duration{0}, Jitter: 1}
	require.Equal(t, set, webhook.CompletePolicy(set, "voice:message:out"))
	for _, event := range []string{status, "voice:message:out"} {
		p := webhook.PolicyFor(event)
		require.Equal(t, p, webhook.CompletePolicy(p, event))
	}
}

//nolint:paralleltest // AllocsPerRun counts for the whole process
func TestPolicy_CompleteAllocates(t *testing.T) {
	require.Zero(t, testing.AllocsPerRun(100, func() { webhook.CompletePolicy(webhook.Policy{}, "voice:message:out") }))
}

func TestPolicy_DefaultWaitsAreExponentialBackOff(t *testing.T) {
	t.Parallel()
	waits := func(c *webhook.Client) []time.Duration {
		m := message("http://receiver.test/")
		m.Policy.Attempts = 11
		var waits []time.Duration
		for n := range 10 {
			a := c.Try(t.Context(), m, n+1)
			require.Equal(t, webhook.OutcomeRetrying, a.Outcome)
			waits = append(waits, a.Wait)
		}
		return waits
	}
	want := waits(&webhook.Client{Transport: answer(500), Retry: webhook.FromBackOff(documented)})
	require.Equal(t, want, waits(&webhook.Client{Transport: answer(500)}))
	require.Equal(t, "[10s 1m40s 16m40s 2h46m40s 27h46m40s 27h46m40s 27h46m40s 27h46m40s 27h46m40s 27h46m40s]", fmt.Sprint(want))
}

func TestPolicy_Check(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		policy webhook.Policy
		want   string
	}{
		{"redirect is not a success", webhook.Policy{Success: []int{200, 301}}, "success: status 301 outside 200 to 299"},
		{"199", webhook.Policy{Success: []int{199}}, "success: status 199 outside 200 to 299"},
		{"negative timeout", webhook.Policy{Timeout: -1}, "timeout: -1ns outside 0s to 10m0s"},
		{"long timeout", webhook.Policy{Timeout: 11 * time.Minute}, "timeout: 11m0s outside 0s to 10m0s"},
		{"negative attempts", webhook.Policy{Attempts: -1}, "attempts: -1 outside 0 to 1000"},
		{"many attempts", webhook.Policy{Attempts: 1001}, "attempts: 1001 outside 0 to 1000"},
		{"negative wait", webhook.Policy{Waits: []time.Duration{0, -1}}, "waits: -1ns outside 0s to 720h0m0s"},
		{"endless wait", webhook.Policy{Waits: []time.Duration{math.MaxInt64}}, "waits: 2562047h47m16.854775807s outside 0s to 720h0m0s"},
		{"many waits", webhook.Policy{Waits: make([]time.Duration, 101)}, "waits: 101 of them, at most 100"},
		{"negative jitter", webhook.Policy{Jitter: -0.1}, "jitter: -0.1 outside 0 to 1"},
		{"large jitter", webhook.Policy{Jitter: 1.1}, "jitter: 1.1 outside 0 to 1"},
		{"negative rate", webhook.Policy{Rate: -1}, "rate: -1 outside 0.01 to 10000"},
		{"small rate", webhook.Policy{Rate: 0.009}, "rate: 0.009 outside 0.01 to 10000"},
		{"large rate", webhook.Policy{Rate: 10_001}, "rate: 10001 outside 0.01 to 10000"},
		{"rate NaN", webhook.Policy{Rate: math.NaN()}, "rate: NaN outside 0.01 to 10000"},
		{"negative concurrency", webhook.Policy{Concurrency: -1}, "concurrency: -1 outside 0 to 1000"},
		{"large concurrency", webhook.Policy{Concurrency: 1001}, "concurrency: 1001 outside 0 to 1000"},
		{"NaN", webhook.Policy{Jitter: math.NaN()}, "jitter: NaN outside 0 to 1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			require.EqualError(t, webhook.CheckPolicy(tt.policy), tt.want)
			m := message("http://receiver.test/")
			m.Policy = tt.policy
			a := (&webhook.Client{Transport: unreachable(t)}).Try(t.Context(), m, 1)
			require.EqualError(t, a.Err, "webhook: invalid message: policy "+tt.want)
			require.Equal(t, webhook.OutcomeFailed, a.Outcome)
		})
	}
	t.Run("valid", func(t *testing.T) {
		t.Parallel()
		require.NoError(t, webhook.CheckPolicy(webhook.Policy{}))
		require.NoError(t, webhook.CheckPolicy(webhook.PolicyFor("voice:message:out")))
		require.NoError(t, webhook.CheckPolicy(webhook.Policy{
			Success: []int{200, 299}, Timeout: 10 * time.Minute, Attempts: 1000,
			Waits: []time.Duration{0, 720 * time.Hour}, Jitter: 1,
		}))
	})
}

func TestPolicy_JSON(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		policy webhook.Policy
		want   string
	}{
		{"zero", webhook.Policy{}, `{}`},
		{
			"documented", webhook.PolicyFor("voice:message:out"),
			`{"success":[200,202],"timeout":"3s","attempts":3,"waits":["10s","1m40s","16m40s","2h46m40s","27h46m40s"]}`,
		},
		{
			"fractions",
			webhook.Policy{Timeout: 1234567891, Waits: []time.Duration{1, 0}, Jitter: 0.2},
			`{"timeout":"1.234567891s","waits":["1ns","0s"],"jitter":0.2}`,
		},
		{"empty lists stay", webhook.Policy{Success: []int{}, Waits: []time.Duration{}}, `{"success":[],"waits":[]}`},
		{
			"bad values are kept for Compile to refuse",
			webhook.Policy{Timeout: math.MinInt64, Attempts: -1},
			`{"timeout":"-2562047h47m16.854775808s","attempts":-1}`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			text, err := json.Marshal(tt.policy)
			require.NoError(t, err)
			require.Equal(t, tt.want, string(text))
			got := webhook.Policy{Attempts: 7, Jitter: 1} // to be overwritten
			require.NoError(t, json.Unmarshal(text, &got))
			require.Equal(t, tt.policy, got)
		})
	}
}

func TestPolicy_UnmarshalJSON(t *testing.T) {
	t.Parallel()
	const wantDuration = `: want a string with a unit such as "10s", not a number`
	tests := []struct{ name, text, want string }{
		{"number for a duration", `{"timeout":3}`, "webhook: policy timeout" + wantDuration},
		{"number as text", `{"timeout":"3"}`, "webhook: policy timeout" + wantDuration},
		{"number among the waits", `{"waits":["10s",100]}`, "webhook: policy waits" + wantDuration},
		{"null among the waits", `{"waits":[null]}`, "webhook: policy waits" + wantDuration},
		{"waits not a list", `{"waits":"10s"}`, "webhook: policy waits" + wantDuration},
		{"unknown member", `{"retries":3}`, "webhook: policy retries: unknown member, want success, timeout, attempts, waits, jitter, expires, give_up, rate or concurrency"},
		{"another case", `{"Timeout":"3s"}`, "webhook: policy Timeout: unknown member, want success, timeout, attempts, waits, jitter, expires, give_up, rate or concurrency"},
		{"attempts as text", `{"attempts":"3"}`, "webhook: policy attempts: want a whole number"},
		{"half an attempt", `{"attempts":1.5}`, "webhook: policy attempts: want a whole number"},
		{"success not a list", `{"success":200}`, "webhook: policy success: want a list of status codes such as [200, 202]"},
		{"jitter as text", `{"jitter":"20%"}`, "webhook: policy jitter: want a number from 0 to 1"},
		{"list", `[]`, "webhook: policy: not a JSON object"},
		{"two mistakes, the first by name", `{"waits":1,"attempts":""}`, "webhook: policy attempts: want a whole number"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := webhook.Policy{Attempts: 7}
			require.EqualError(t, json.Unmarshal([]byte(tt.text), &got), tt.want)
			require.Equal(t, webhook.Policy{Attempts: 7}, got)
		})
	}
	t.Run("null members are unset", func(t *testing.T) {
		t.Parallel()
		var got webhook.Policy
		null := `{"success":null,"timeout":null,"attempts":null,"waits":null,"jitter":null}`
		require.NoError(t, json.Unmarshal([]byte(null), &got))
		require.Equal(t, webhook.Policy{}, got)
		require.NoError(t, json.Unmarshal([]byte(`null`), &got))
	})
}

func TestPolicy_Jitter(t *testing.T) {
	t.Parallel()
	c := &webhook.Client{Transport: answer(500)}
	wait := func(id string, n int, jitter float64) time.Duration {
		m := message("http://receiver.test/")
		m.ID, m.Policy = id, webhook.Policy{Attempts: 1000, Waits: []time.Duration{100 * time.Second}, Jitter: jitter}
		return c.Try(t.Context(), m, n).Wait
	}
	require.Equal(t, 100*time.Second, wait("msg_1", 1, 0))
	// Known answers: another process, or another version, must compute the same.
	require.Equal(t, "1m51.685522774s", wait("msg_1", 1, 0.2).String())
	require.Equal(t, "1m51.685522774s", wait("msg_1", 1, 0.2).String(), "again the same")
	require.NotEqual(t, wait("msg_1", 1, 0.2), wait("msg_1", 2, 0.2))
	require.NotEqual(t, wait("msg_1", 1, 0.2), wait("msg_2", 1, 0.2))

	var low, high int
	for i := range 400 {
		w := wait("m"+strconv.Itoa(i), 1+i%9, 0.2)
		require.GreaterOrEqual(t, w, 80*time.Second)
		require.LessOrEqual(t, w, 120*time.Second)
		if w < 90*time.Second {
			low++
		}
		if w > 110*time.Second {
			high++
		}
	}
	require.InDelta(t, 100, low, 40, "a quarter")
	require.InDelta(t, 100, high, 40, "a quarter")
	require.GreaterOrEqual(t, wait("msg_1", 1, 1), time.Duration(0))
}

func TestFromBackOff(t *testing.T) {
	t.Parallel()
	retry := webhook.FromBackOff(func() backoff.BackOff { return backoff.WithMaxRetries(documented(), 2) })
	tests := []struct {
		n    int
		wait time.Duration
		ok   bool
	}{
		{1, 10 * time.Second, true},
		{2, 100 * time.Second, true},
		{3, 0, false},
		{1, 10 * time.Second, true},
		{4, 0, false},
		{0, backoff.Stop, false},
	}
	for _, tt := range tests {
		wait, ok := retry(nil, webhook.Attempt{N: tt.n})
		require.Equal(t, tt.wait, wait, tt.n)
		require.Equal(t, tt.ok, ok, tt.n)
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, value string
		want        time.Duration
	}{
		{"seconds", "120", 2 * time.Minute},
		{"none", "", 0},
		{"zero", "0", 0},
		{"the cap", "3600", time.Hour},
		{"over the cap", "3601", time.Hour},
		{"would wrap as nanoseconds", "99999999999", time.Hour},
		{"over 64 bits", "99999999999999999999999", time.Hour},
		{"negative", "-1", 0},
		{"plus", "+5", 0},
		{"fraction", "1.5", 0},
		{"NaN", "NaN", 0},
		{"exponent", "1e3", 0},
		{"hexadecimal", "0x10", 0},
		{"other digits", "１２", 0},
		// A bubble begins at midnight of 2000-01-01.
		{"IMF date", "Sat, 01 Jan 2000 00:02:00 GMT", 2 * time.Minute},
		{"RFC 850 date", "Saturday, 01-Jan-00 00:02:00 GMT", 2 * time.Minute},
		{"asctime date", "Sat Jan  1 00:02:00 2000", 2 * time.Minute},
		{"past date", "Fri, 31 Dec 1999 23:59:59 GMT", 0},
		{"date over the cap", "Fri, 31 Dec 9999 23:59:59 GMT", time.Hour},
		{"year 0", "Sat, 01 Jan 0000 00:00:00 GMT", 0},
		{"no date", "tomorrow", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				for _, code := range []int{429, 500, 502, 503, 599} {
					a := tryRetryAfter(t, code, tt.value)
					require.Equal(t, tt.want, a.RetryAfter)
					require.Equal(t, max(tt.want, 10*time.Second), a.Wait, "it never shortens the wait")
				}
				for _, code := range []int{200, 301, 404, 410} {
					require.Zero(t, tryRetryAfter(t, code, tt.value).RetryAfter, "only 429 and 5xx have it")
				}
			})
		})
	}
}

func tryRetryAfter(t testing.TB, code int, value string) webhook.Attempt {
	c := &webhook.Client{Transport: roundTripFunc(func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: code, Header: http.Header{"Retry-After": {value}}, Body: http.NoBody}, nil
	})}
	return c.Try(t.Context(), message("http://receiver.test/"), 1)
}

// FuzzRetryAfter checks that the wait is within 0 and the cap, whatever a receiver
// sends, and that digits mean seconds.
func FuzzRetryAfter(f *testing.F) {
	for _, seed := range []string{
		"120", "-1", "99999999999", "1e300", "Fri, 31 Dec 9999 23:59:59 GMT",
		"Sunday, 06-Nov-94 08:49:37 GMT", "Sat Jan  1 00:02:00 2000", "\x00", "١٢",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		got := tryRetryAfter(t, 503, value)
		require.GreaterOrEqual(t, got.RetryAfter, time.Duration(0))
		require.LessOrEqual(t, got.RetryAfter, time.Hour)
		require.Equal(t, max(got.RetryAfter, 10*time.Second), got.Wait)
		if n, err := strconv.ParseUint(value, 10, 64); err == nil && strings.Trim(value, "0123456789") == "" {
			require.Equal(t, min(n, 3600), uint64(got.RetryAfter/time.Second))
		}
	})
}
