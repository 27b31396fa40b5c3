package queue_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook/queue"
)

// taking answers after the time that is the host's first label, such as 900ms.
func taking(r *http.Request) (*http.Response, error) {
	label, _, _ := strings.Cut(r.URL.Host, "-")
	took, err := time.ParseDuration(label)
	if err != nil {
		return nil, err
	}
	select {
	case <-time.After(took):
		return answer(200)
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}

// handAll hands out n messages to each of some endpoints of a tenant that take that long,
// and returns how many attempts have begun.
func handAll(t *testing.T, tr trial, tenant, takes string, endpoints, n int) (begun int) {
	t.Helper()
	before := flying(t, tr)
	for e := range endpoints {
		m := message("m", takes+"-"+tenant+strconv.Itoa(e))
		m.Policy.Timeout = 20 * time.Second
		for range n {
			go tr.Handle(t.Context(), queue.Delivery{Task: queue.Task{ID: m.ID, Key: m.WebhookID, Message: m}, N: 1, Tenant: tenant})
		}
	}
	return flying(t, tr) - before
}

// A tenant's endpoints, slow or not, leave workers for those of others, and a start with
// many endpoints that hang leaves some for those that are known.
func TestQueue_TenantsShareWorkers(t *testing.T) {
	t.Parallel()
	const workers = 80
	tests := []struct {
		name  string
		trial func(t *testing.T, tr trial)
	}{
		{"slow ones", func(t *testing.T, tr trial) {
			for _, tenant := range []string{"a", "b", "c"} { // so that it is known
				require.Equal(t, 20, handAll(t, tr, tenant, "2s", 20, 1))
				<-time.After(3 * time.Second)
			}
			require.Equal(t, workers/4, handAll(t, tr, "a", "2s", 20, 4))
			require.Equal(t, workers/4, handAll(t, tr, "b", "2s", 20, 4))
			require.Zero(t, handAll(t, tr, "c", "2s", 20, 4), "half of all are taken")
			require.Zero(t, handAll(t, tr, "a", "2s", 20, 4))
			<-time.After(3 * time.Second)
			require.Equal(t, workers/4, handAll(t, tr, "c", "2s", 20, 4))
		}},
		{"fast ones", func(t *testing.T, tr trial) {
			require.Equal(t, 20, handAll(t, tr, "a", "900ms", 20, 1))
			<-time.After(time.Second)
			require.Equal(t, workers*3/4, handAll(t, tr, "a", "900ms", 20, 4))
			require.Equal(t, 4, handAll(t, tr, "b", "1ms", 4, 1))
			<-time.After(time.Second)
			require.Equal(t, workers*3/4, handAll(t, tr, "a", "900ms", 20, 4), "all have been given back")
		}},
		{"unknown ones", func(t *testing.T, tr trial) {
			require.Equal(t, 1, handAll(t, tr, "b", "1ms", 1, 1))
			<-time.After(time.Second)
			require.Equal(t, workers*3/8, handAll(t, tr, "a", "10s", 100, 4))
			require.Equal(t, workers*3/8, handAll(t, tr, "c", "10s", 100, 4))
			require.Zero(t, handAll(t, tr, "d", "10s", 100, 4))
			require.Equal(t, 1, handAll(t, tr, "b", "1ms", 1, 1), "it is known")
			<-time.After(20 * time.Second)
			require.Equal(t, 1, handAll(t, tr, "d", "1ms", 1, 1))
		}},
		{"of nobody in particular", func(t *testing.T, tr trial) {
			require.Equal(t, 19, handAll(t, tr, "", "900ms", 19, 1))
			<-time.After(time.Second)
			require.Equal(t, 19*4, handAll(t, tr, "", "900ms", 19, 4))
		}},
		{"an endpoint that begins", func(t *testing.T, tr trial) {
			require.Equal(t, 4, handAll(t, tr, "a", "500ms", 1, 4))
			require.Equal(t, workers/4-4, handAll(t, tr, "", "500ms", 16, 1))
			require.Equal(t, 4, handAll(t, tr, "b", "500ms", 4, 4), "a place each")
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				tr, _ := sizedTrial(t, transport(taking), queue.Config{}, workers)
				tt.trial(t, tr)
				<-time.After(time.Minute) // all have ended
				require.Zero(t, flying(t, tr))
			})
		})
	}
}

// What waits for a worker that others have does not ask all the time.
func TestQueue_CrowdAsksSeldom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tr, _ := sizedTrial(t, transport(taking), queue.Config{}, 8)
		require.Equal(t, 1, handAll(t, tr, "", "2s", 1, 1))
		<-time.After(3 * time.Second)
		require.Equal(t, 4, handAll(t, tr, "", "2s", 1, 8))
		require.Equal(t, 2, handAll(t, tr, "other", "2s", 9, 1), "three quarters")
		var sum time.Duration
		const waiting = 10_000
		for n := range waiting {
			v := tr.hand(message("m", "2s-"+strconv.Itoa(n%5000)), 1)
			require.Equal(t, queue.KindDefer, v.Kind)
			sum += v.After
		}
		// At most a thousand a second, of all endpoints together.
		require.Greater(t, sum/waiting, waiting/2*time.Millisecond)
	})
}
