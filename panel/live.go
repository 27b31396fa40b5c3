package panel

import (
	"bytes"
	"context"
	"encoding/json"
	"hash/fnv"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"
)

const (
	pollEvery  = time.Second
	overEvery  = 5 * time.Second // the overview, of which there is more to read
	pollWithin = 5 * time.Second // one look at the database
	streamFor  = 15 * time.Minute
	askEvery   = time.Minute      // Authorize
	beatEvery  = 20 * time.Second // so that it is known that the viewer is still there
	maxViewers = 200              // of a process
	maxStreams = 5                // of a person: browsers open six connections to a host
)

// A live looks at the database for all viewers of this process, while there are any. Those
// who see the same share what is read.
type live struct {
	logger *slog.Logger
	closed chan struct{}
	close  func()

	mu      sync.Mutex
	viewers map[*viewer]bool
	persons map[string]int
	polls   bool
}

// A viewer is somebody who looks at a page.
type viewer struct {
	person string
	key    string // what is seen: the same for all who see the same
	every  time.Duration
	due    time.Time // of the poller: when it is read again
	read   func(context.Context) ([]byte, error)
	last   []byte      // that was sent, of the poller
	news   chan []byte // what is to be sent, the newest only
}

func newLive(logger *slog.Logger) *live {
	l := &live{logger: logger, closed: make(chan struct{}), viewers: map[*viewer]bool{}, persons: map[string]int{}}
	l.close = sync.OnceFunc(func() { close(l.closed) })
	return l
}

// join adds a viewer, unless there are too many.
func (l *live) join(v *viewer) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.viewers) >= maxViewers || l.persons[v.person] >= maxStreams {
		return errBusy
	}
	l.viewers[v] = true
	l.persons[v.person]++
	if !l.polls {
		l.polls = true
		go l.poll()
	}
	return nil
}

func (l *live) leave(v *viewer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.viewers, v)
	if l.persons[v.person]--; l.persons[v.person] == 0 {
		delete(l.persons, v.person)
	}
}

// poll tells viewers what changed until there are none.
func (l *live) poll() {
	ticker := time.NewTicker(pollEvery)
	defer ticker.Stop()
	for now := range ticker.C {
		l.mu.Lock()
		same := map[string][]*viewer{}
		for v := range l.viewers {
			same[v.key] = append(same[v.key], v)
		}
		l.polls = len(same) > 0
		l.mu.Unlock()
		if len(same) == 0 {
			return
		}
		for _, viewers := range same {
			if slices.ContainsFunc(viewers, func(v *viewer) bool { return !v.due.After(now) }) {
				l.tell(viewers)
			}
			for _, v := range viewers {
				if !v.due.After(now) {
					v.due = now.Add(v.every - pollEvery/2) // a tick may come early
				}
			}
		}
	}
}

// tell reads what some viewers see, and tells those that have seen something else.
func (l *live) tell(viewers []*viewer) {
	ctx, cancel := context.WithTimeout(context.Background(), pollWithin)
	defer cancel()
	data, err := viewers[0].read(ctx)
	if err != nil {
		l.logger.WarnContext(ctx, "panel: no news", slog.Any("error", err)) // what is seen stays
		return
	}
	for _, v := range viewers {
		if bytes.Equal(v.last, data) {
			continue
		}
		v.last = data
		select {
		case <-v.news: // which is old
		default:
		}
		v.news <- data
	}
}

// stream sends what read returns, and again when it has changed, until the viewer leaves. The
// key names it: the rights of who asks are added.
func (c *call) stream(key string, every time.Duration, read func(*call) (any, error)) error {
	seen, err := json.Marshal([]any{c.access.All, c.access.Tenant, c.access.May, c.lang, key})
	if err != nil {
		return err
	}
	reader := *c // not c itself, which asks again who asks while others read
	v := &viewer{
		person: strconv.FormatBool(c.access.All) + c.access.Tenant + "\x00" + c.access.Actor, key: string(seen), every: every, news: make(chan []byte, 1),
		read: func(ctx context.Context) ([]byte, error) {
			now := reader
			now.ctx = ctx
			value, err := read(&now)
			if err != nil {
				return nil, err
			}
			return json.Marshal(value)
		},
	}
	if err := c.live.join(v); err != nil {
		return err
	}
	defer c.live.leave(v)
	c.w.Header().Set("Content-Type", "text/event-stream")
	c.w.Header().Set("X-Accel-Buffering", "no") // of nginx
	c.w.WriteHeader(http.StatusOK)
	c.flow(v)
	return nil // an error would come after the beginning of the answer
}

// flow writes events until the stream ends. A browser then asks for another one.
func (c *call) flow(v *viewer) {
	out := http.NewResponseController(c.w)
	write := func(text string) bool {
		// A server may limit how long answers take, which this one does on purpose. If it
		// cannot be told so, the browser asks again.
		_ = out.SetWriteDeadline(time.Now().Add(beatEvery))
		_, err := c.w.Write([]byte(text))
		return err == nil && out.Flush() == nil
	}
	end, ask, beat := time.NewTimer(streamFor), time.NewTicker(askEvery), time.NewTicker(beatEvery)
	defer end.Stop()
	defer ask.Stop()
	defer beat.Stop()
	granted, ok := c.access, write("retry: 3000\n\n")
	for ok {
		select {
		case <-c.r.Context().Done():
			return
		case <-c.live.closed:
			return
		case <-end.C:
			return
		case <-ask.C:
			ok = c.authorize() == nil && c.access == granted
		case <-beat.C:
			ok = write(":\n\n")
		case data := <-v.news:
			ok = write("data: " + string(data) + "\n\n")
		}
	}
}

// A liveRow is a row of a list that changes.
type liveRow struct {
	ID      string `json:"id"`
	State   string `json:"state"`
	Word    string `json:"word"`
	Event   string `json:"event"`
	Hook    string `json:"hook"`
	Why     string `json:"why"`
	Created string `json:"created"`
	Full    string `json:"full"`
	Retry   bool   `json:"retry"`
	Resend  bool   `json:"resend"`
	Cancel  bool   `json:"cancel"`
}

// liveDeliveries streams the newest page of a list.
func (c *call) liveDeliveries() error {
	q := readQuery(c.r.URL.Query()).at("")
	if _, err := q.filter(time.Now(), pageSize); err != nil {
		return err
	}
	return c.stream("list?"+q.values().Encode(), pollEvery, func(c *call) (any, error) {
		now := time.Now()
		f, err := q.filter(now, pageSize)
		if err != nil {
			return nil, err
		}
		page, err := c.deliveries.List(c.ctx, f)
		if err != nil {
			return nil, err
		}
		names, err := c.hookNames(page.Deliveries)
		if err != nil {
			return nil, err
		}
		rows := make([]liveRow, len(page.Deliveries))
		for i, d := range page.Deliveries {
			r := c.row(d, names, now)
			rows[i] = liveRow{
				d.ID, r.Shape, r.Word, d.Event, r.Hook, r.Why, d.Created.UTC().Format(time.RFC3339), fullTime(d.Created),
				r.CanRetry, r.CanResend, r.CanCancel,
			}
		}
		return rows, nil
	})
}

// liveDelivery streams the version of a delivery, which changes with anything of it.
func (c *call) liveDelivery() error {
	id := c.r.PathValue("id")
	if _, err := c.deliveries.Get(c.ctx, id); err != nil {
		return err
	}
	return c.stream("delivery/"+id, pollEvery, func(c *call) (any, error) {
		d, err := c.deliveries.Get(c.ctx, id)
		return version(d), err
	})
}

// liveOverview streams the version of the overview.
func (c *call) liveOverview() error {
	days := c.days()
	return c.stream("overview/"+strconv.Itoa(days), overEvery, func(c *call) (any, error) {
		o, err := c.overview(time.Now(), days)
		return o.Version(), err
	})
}

// version is another one whenever something of a value has changed, such as a delivery.
func version(d any) string {
	text, err := json.Marshal(d)
	if err != nil { // it is plain data
		return ""
	}
	sum := fnv.New64a()
	_, _ = sum.Write(text)
	return strconv.FormatUint(sum.Sum64(), 36)
}
