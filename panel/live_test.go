package panel_test

import (
	"bufio"
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/panel"
)

// A history has one page, and counts how often it is read.
type history struct {
	panel.Deliveries
	reads atomic.Int64
	page  atomic.Pointer[durable.Page]
}

func (h *history) List(context.Context, durable.Filter) (durable.Page, error) {
	h.reads.Add(1)
	return *h.page.Load(), nil
}

// A stream is the answer to a request that goes on.
type stream struct {
	mu     sync.Mutex
	header http.Header
	text   strings.Builder
	status int
}

func (s *stream) Header() http.Header { return s.header }
func (s *stream) WriteHeader(status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status = status
}
func (s *stream) Flush() {}
func (s *stream) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(b)
}

// events are the data that came so far.
func (s *stream) events() (all []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	lines := bufio.NewScanner(strings.NewReader(s.text.String()))
	for lines.Scan() {
		if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
			all = append(all, data)
		}
	}
	return all
}

// watch opens a stream, and returns what ends when it does.
func watch(ctx context.Context, p *panel.Panel) (*stream, <-chan struct{}) {
	s, ended := &stream{header: http.Header{}}, make(chan struct{})
	go func() {
		defer close(ended)
		p.ServeHTTP(s, httptest.NewRequestWithContext(ctx, "GET", "/live", nil))
	}()
	return s, ended
}

func newPage(id string) *durable.Page {
	return &durable.Page{Deliveries: []durable.Delivery{{ID: id, Event: "call.ended", State: durable.StatePending}}}
}

func liveConfig(h *history, access *atomic.Pointer[panel.Access]) panel.Config {
	return panel.Config{
		Open:      func(panel.Access) (panel.Deliveries, panel.Webhooks, error) { return h, nil, nil },
		Authorize: func(*http.Request) (panel.Access, error) { return *access.Load(), nil },
		Logger:    quiet,
	}
}

func isOver(ended <-chan struct{}) bool {
	select {
	case <-ended:
		return true
	default:
		return false
	}
}

func TestLive(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, access := &history{}, &atomic.Pointer[panel.Access]{}
		h.page.Store(newPage("a"))
		access.Store(&acme)
		p, err := panel.New(liveConfig(h, access))
		require.NoError(t, err)
		first, ended := watch(t.Context(), p)
		second, _ := watch(t.Context(), p)
		time.Sleep(10*time.Second + time.Millisecond)
		synctest.Wait()
		require.Equal(t, int64(10), h.reads.Load(), "once a second for both")
		require.Len(t, first.events(), 1, "nothing has changed since")
		require.Equal(t, first.events(), second.events())
		require.Contains(t, first.events()[0], `"id":"a"`)
		require.Equal(t, "text/event-stream", first.header.Get("Content-Type"))
		h.page.Store(newPage("b"))
		time.Sleep(time.Second)
		synctest.Wait()
		require.Len(t, first.events(), 2)
		require.Contains(t, second.events()[1], `"id":"b"`)

		time.Sleep(15*time.Minute - 12*time.Second)
		synctest.Wait()
		require.False(t, isOver(ended))
		time.Sleep(2 * time.Second)
		synctest.Wait()
		require.True(t, isOver(ended), "after 15 minutes")
		time.Sleep(2 * time.Second)
		synctest.Wait()
		reads := h.reads.Load()
		time.Sleep(time.Minute)
		require.Equal(t, reads, h.reads.Load(), "nobody looks")
	})
}

// Who may not see it any more does not.
func TestLive_AsksAgain(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		now  panel.Access
	}{
		{"nobody", panel.Access{}},
		{"another tenant", globex},
		{"fewer rights", panel.Access{Actor: "ann", Tenant: "acme", May: panel.View}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h, access := &history{}, &atomic.Pointer[panel.Access]{}
				h.page.Store(newPage("a"))
				access.Store(&acme)
				p, err := panel.New(liveConfig(h, access))
				require.NoError(t, err)
				_, ended := watch(t.Context(), p)
				time.Sleep(2 * time.Minute)
				synctest.Wait()
				require.False(t, isOver(ended))
				access.Store(&tt.now)
				time.Sleep(time.Minute)
				synctest.Wait()
				require.True(t, isOver(ended))
				time.Sleep(2 * time.Second) // for the poller
			})
		})
	}
}

func TestLive_Bounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, access := &history{}, &atomic.Pointer[panel.Access]{}
		h.page.Store(newPage("a"))
		p, err := panel.New(liveConfig(h, access))
		require.NoError(t, err)
		open := func(actor string) (*stream, <-chan struct{}) {
			who := panel.Access{Actor: actor, Tenant: "acme", May: everything}
			access.Store(&who)
			s, ended := watch(t.Context(), p)
			synctest.Wait()
			return s, ended
		}
		var all []<-chan struct{}
		for range 5 {
			s, ended := open("ann")
			require.Equal(t, http.StatusOK, s.status)
			all = append(all, ended)
		}
		s, ended := open("ann")
		require.Equal(t, http.StatusServiceUnavailable, s.status)
		require.True(t, isOver(ended))
		for i := range 195 {
			s, _ := open(string(rune('A' + i)))
			require.Equal(t, http.StatusOK, s.status)
		}
		for range 9_800 { // each is refused at once
			s := &stream{header: http.Header{}}
			p.ServeHTTP(s, httptest.NewRequestWithContext(t.Context(), "GET", "/live", nil))
			require.Equal(t, http.StatusServiceUnavailable, s.status)
		}
		p.Close()
		synctest.Wait()
		for _, ended := range all {
			require.True(t, isOver(ended))
		}
		p.Close()
		time.Sleep(2 * time.Second) // for the poller
	})
}

// A stuck viewer has a connection that takes nothing.
type stuck struct {
	stream
	deadline time.Time
}

func (s *stuck) SetWriteDeadline(t time.Time) error { s.deadline = t; return nil }
func (s *stuck) Write([]byte) (int, error) {
	time.Sleep(time.Until(s.deadline))
	return 0, os.ErrDeadlineExceeded
}

// Who never reads, or has vanished, is gone soon, and holds up nobody until then.
func TestLive_Vanished(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, access := &history{}, &atomic.Pointer[panel.Access]{}
		h.page.Store(newPage("a"))
		access.Store(&acme)
		p, err := panel.New(liveConfig(h, access))
		require.NoError(t, err)
		gone, vanish := context.WithCancel(t.Context())
		var ended []chan struct{}
		for range 2 {
			done := make(chan struct{})
			ended = append(ended, done)
			go func() {
				defer close(done)
				p.ServeHTTP(&stuck{stream: stream{header: http.Header{}}}, httptest.NewRequestWithContext(t.Context(), "GET", "/live", nil))
			}()
		}
		for range 2 {
			watch(gone, p)
		}
		synctest.Wait()
		reader, _ := watch(t.Context(), p)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		require.Len(t, reader.events(), 1)
		refused, _ := watch(t.Context(), p)
		synctest.Wait()
		require.Equal(t, http.StatusServiceUnavailable, refused.status, "five of a person")
		vanish()
		time.Sleep(20 * time.Second)
		synctest.Wait()
		for _, done := range ended {
			require.True(t, isOver(done))
		}
		for range 4 {
			again, _ := watch(t.Context(), p)
			synctest.Wait()
			require.Equal(t, http.StatusOK, again.status)
		}
		p.Close()
		time.Sleep(2 * time.Second) // for the poller
	})
}
