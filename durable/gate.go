package durable

import (
	"context"
	"sync"
)

// A gate lets one caller of each name through at a time. The zero value is ready to use.
type gate struct {
	mu    sync.Mutex // guards names, and the callers of each
	names map[string]*passage
}

type passage struct {
	free    chan struct{} // holds a value if nobody is in it
	callers int           // in it, or waiting
}

// enter waits until the name is free, or ctx ends. The caller calls leave, if err is nil.
func (g *gate) enter(ctx context.Context, name string) (leave func(), err error) {
	g.mu.Lock()
	p := g.names[name]
	if p == nil {
		p = &passage{free: make(chan struct{}, 1)}
		p.free <- struct{}{}
		if g.names == nil {
			g.names = make(map[string]*passage)
		}
		g.names[name] = p
	}
	p.callers++
	g.mu.Unlock()
	forget := func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		if p.callers--; p.callers == 0 {
			delete(g.names, name)
		}
	}
	select {
	case <-p.free:
		return func() { p.free <- struct{}{}; forget() }, nil
	case <-ctx.Done():
		forget()
		return nil, context.Cause(ctx)
	}
}
