package enginetest

import (
	"bytes"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/ringhook/webhook"
)

// message returns one that is easily changed by mistake: it has escapes in the URL, a
// header with several values, bytes that are not text.
func message(id string) *webhook.Message {
	return &webhook.Message{
		ID: id, WebhookID: "wh_1", Event: "test:event",
		Method: http.MethodPost, URL: "https://hooks.example.com/a%2Fb/?to=%2B15550100&q=a+b&empty=",
		Header: http.Header{
			"Content-Type": {"application/json"},
			"X-Api-Key":    {"two", "one", "", "\x80\xff"},
			"x-as-it-is":   {"Zoë"},
		},
		Body: []byte("{ \"b\": \"<Zoë> & co\", \"a\": 1.0, \"id\": \"" + id + "\" }\r\n\x00\xff"),
		Policy: webhook.Policy{
			Success: []int{200, 202}, Timeout: 2500 * time.Millisecond, Attempts: 4,
			Waits: []time.Duration{time.Millisecond, 27 * time.Hour}, Jitter: 0.2,
			Expires: 24 * time.Hour, GiveUp: []int{400, 404},
		},
		Composed: time.Now().UTC().Truncate(time.Microsecond),
		Content:  []byte("0123456789abcdef"), Subject: "subject\xfe", Rank: 3,
		Refs: []string{"call-1", "919019912345", "9019912345"},
	}
}

// clone shares nothing with m.
func clone(m *webhook.Message) *webhook.Message {
	c := *m
	c.Header, c.Body, c.Content = m.Header.Clone(), bytes.Clone(m.Body), bytes.Clone(m.Content)
	c.Policy.Success, c.Policy.Waits = slices.Clone(m.Policy.Success), slices.Clone(m.Policy.Waits)
	c.Policy.GiveUp = slices.Clone(m.Policy.GiveUp)
	c.Refs = slices.Clone(m.Refs)
	return &c
}

// difference says in which field two messages differ, or returns "". Empty and nil are
// the same.
func difference(got, want *webhook.Message) string {
	if got == nil || want == nil {
		if got == want {
			return ""
		}
		return fmt.Sprintf("it is %v, want %v", got, want)
	}
	g, w := reflect.ValueOf(normal(got)), reflect.ValueOf(normal(want))
	for i := range g.NumField() {
		if !reflect.DeepEqual(g.Field(i).Interface(), w.Field(i).Interface()) {
			return fmt.Sprintf("its %s is %#v, want %#v", g.Type().Field(i).Name, g.Field(i), w.Field(i))
		}
	}
	return ""
}

func normal(m *webhook.Message) webhook.Message {
	c := *clone(m)
	if c.Header = maps.Clone(c.Header); c.Header == nil {
		c.Header = http.Header{}
	}
	for name, values := range c.Header {
		c.Header[name] = filled(values)
	}
	c.Body, c.Refs = filled(c.Body), filled(c.Refs)
	c.Policy.Success, c.Policy.Waits = filled(c.Policy.Success), filled(c.Policy.Waits)
	c.Policy.GiveUp = filled(c.Policy.GiveUp)
	return c
}

func filled[E any](s []E) []E { return append([]E{}, s...) }

func names(tasks []*task) string {
	var all []string
	for _, t := range tasks {
		all = append(all, t.name)
	}
	return strings.Join(all, ", ")
}
