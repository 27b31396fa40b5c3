package webhooktest

import (
	"net/http"
	"testing"
)

// CheckSender runs one check of TestSender, to see how it fails.
func CheckSender(t testing.TB, name string, start StartFunc) {
	for _, c := range senderChecks() {
		if c.name == name {
			c.run(t, start)
			return
		}
	}
	t.Fatalf("no check %q", name)
}

// Play gives an answer from inside another one.
func Play(a Answer, w http.ResponseWriter, r *http.Request) { a.play(w, r) }
