package main

import (
	"reflect"
	"sync"
	"unsafe"

	"github.com/ringhook/webhook"
)

// What the library does to bytes is compared without what it makes around them: a message with its id and policy, or a
// header. That is reached by name here, so that the library needs no door for it; TestInside notices when a name moves.

//go:linkname renderers github.com/ringhook/webhook.renderers
var renderers sync.Pool

//go:linkname startRenderer github.com/ringhook/webhook.(*renderer).start
func startRenderer(r unsafe.Pointer, c *webhook.Composer, id string, e webhook.Event) error

//go:linkname runRenderer github.com/ringhook/webhook.(*renderer).run
func runRenderer(r unsafe.Pointer, dst []byte, p unsafe.Pointer, limit int) ([]byte, error)

//go:linkname releaseRenderer github.com/ringhook/webhook.(*renderer).release
func releaseRenderer(r unsafe.Pointer)

//go:linkname appendHex github.com/ringhook/webhook.Secret.appendHex
func appendHex(s webhook.Secret, dst, text []byte) []byte

// inside is a composer with its parts laid open: the URL, the first header if there is one, and the body.
type inside struct {
	c     *webhook.Composer
	parts []unsafe.Pointer
	body  unsafe.Pointer
}

func open(c *webhook.Composer) inside {
	v := reflect.ValueOf(c).Elem()
	in := inside{c: c, body: v.FieldByName("body").UnsafePointer()}
	in.parts = append(in.parts, v.FieldByName("url").UnsafePointer())
	if headers := v.FieldByName("headers"); headers.Len() > 0 {
		in.parts = append(in.parts, headers.Index(0).UnsafePointer())
	}
	in.parts = append(in.parts, in.body)
	return in
}

// appendParts appends what Compose makes of e, without keeping it.
func (in inside) appendParts(dst []byte, e webhook.Event, parts ...unsafe.Pointer) []byte {
	pooled := renderers.Get()
	r := (*[2]unsafe.Pointer)(unsafe.Pointer(&pooled))[1] // the pointer in the interface
	defer releaseRenderer(r)
	err := startRenderer(r, in.c, "msg_bench", e)
	must(err)
	for _, p := range parts {
		dst, err = runRenderer(r, dst, p, webhook.MaxOutputSize)
		must(err)
	}
	return dst
}

func (in inside) appendRequest(dst []byte, e webhook.Event) []byte {
	return in.appendParts(dst, e, in.parts...)
}

func (in inside) appendBody(dst []byte, e webhook.Event) []byte {
	return in.appendParts(dst, e, in.body)
}
