package http1

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	maxIdle  = 256     // connections of a key
	maxAll   = 1 << 14 // of all keys together
	idleTime = 30 * time.Second
)

// idle has the connections that are not in use. Those used last are taken first, so that
// the others can go. A timer runs only while there are some.
type idle struct {
	mu      sync.Mutex
	conns   map[key][]*conn // by the time they were put in
	n       int             // connections in all
	janitor *time.Timer     // nil, if it does not run
	next    time.Time       // when it does
}

// take returns the connection used last, or nil.
func (i *idle) take(k key, now time.Time) *conn {
	i.mu.Lock()
	defer i.mu.Unlock()
	conns := i.conns[k]
	n := len(conns) - 1
	if n < 0 || !now.Before(conns[n].until) {
		return nil // what is over its time is left to the janitor
	}
	c := conns[n]
	conns[n], i.conns[k] = nil, conns[:n]
	i.n--
	return c
}

// put keeps a connection, or closes it if there are enough.
func (i *idle) put(c *conn) {
	i.mu.Lock()
	conns := i.conns[c.key]
	if len(conns) >= maxIdle {
		i.mu.Unlock()
		c.close()
		return
	}
	if i.conns == nil {
		i.conns = make(map[key][]*conn)
	}
	i.conns[c.key] = append(conns, c)
	surplus := i.surplus()
	switch {
	case i.janitor == nil:
		i.next = c.until
		i.janitor = time.AfterFunc(c.until.Sub(c.since), i.sweep)
	case c.until.Before(i.next):
		i.next = c.until
		i.janitor.Reset(c.until.Sub(c.since))
	}
	i.mu.Unlock()
	if surplus != nil {
		surplus.close()
	}
}

// surplus counts one more connection, and takes out another one if there are too many: the
// oldest of some key. It needs mu.
func (i *idle) surplus() *conn {
	if i.n++; i.n <= maxAll {
		return nil
	}
	for k, conns := range i.conns {
		if len(conns) == 0 {
			continue
		}
		oldest := conns[0]
		conns[0], i.conns[k] = nil, conns[1:]
		i.n--
		return oldest
	}
	return nil
}

// sweep closes what is over its time.
func (i *idle) sweep() {
	for _, c := range i.expired(time.Now()) {
		c.farewell()
	}
}

// expired takes out what is over its time, and sets the timer for the next.
func (i *idle) expired(now time.Time) (over []*conn) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.janitor == nil { // closeAll was faster
		return nil
	}
	var next time.Time
	for k, conns := range i.conns {
		kept := conns[:0]
		for _, c := range conns {
			if !now.Before(c.until) {
				over = append(over, c)
				continue
			}
			kept = append(kept, c)
			if next.IsZero() || c.until.Before(next) {
				next = c.until
			}
		}
		clear(conns[len(kept):])
		i.n -= len(conns) - len(kept)
		if i.conns[k] = kept; len(kept) == 0 {
			delete(i.conns, k)
		}
	}
	if next.IsZero() {
		i.janitor = nil
		return over
	}
	i.next = next
	i.janitor.Reset(next.Sub(now))
	return over
}

func (i *idle) closeAll() {
	i.mu.Lock()
	all := i.conns
	i.conns, i.n = nil, 0
	if i.janitor != nil {
		i.janitor.Stop()
		i.janitor = nil
	}
	i.mu.Unlock()
	for _, conns := range all {
		for _, c := range conns {
			c.farewell()
		}
	}
}

// reuse returns a kept connection that its receiver has neither closed nor written to,
// or nil.
func (t *Transport) reuse(ctx context.Context, r *Request, k key) *conn {
	for now := time.Now(); ; {
		c := t.idle.take(k, now)
		if c == nil {
			return nil
		}
		c.reused = true
		// before it is looked at, since TLS may have to answer the receiver
		c.use(ctx, r.Deadline)
		if c.isQuiet() {
			if c.socket.raw == nil { // it was looked at with a deadline of its own
				c.setDeadline(ctx, r.Deadline)
			}
			return c
		}
		c.close()
	}
}

// keep puts a connection in the idle ones, once the answer on it is complete.
func (t *Transport) keep(c *conn, answer http.Header) {
	d := idleTime
	for _, value := range answer["Keep-Alive"] {
		d = min(d, announced(value))
	}
	if d <= 0 {
		c.close()
		return
	}
	c.since = time.Now()
	c.until = c.since.Add(d)
	t.idle.put(c)
}

// announced returns how long a connection may stay idle by a header Keep-Alive: a second
// less than its timeout, since the last byte takes its time.
func announced(value string) time.Duration {
	for parameter := range strings.SplitSeq(value, ",") {
		name, seconds, _ := strings.Cut(strings.TrimSpace(parameter), "=")
		if !strings.EqualFold(name, "timeout") {
			continue
		}
		n, err := strconv.ParseUint(strings.Trim(seconds, `" `), 10, 31)
		if err != nil {
			return idleTime
		}
		return time.Duration(n)*time.Second - time.Second
	}
	return idleTime
}
