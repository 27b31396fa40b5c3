package panel_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"

	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/durable/sqlite"
	"github.com/ringhook/webhook/panel"
)

// sessions are those of the embedding service, by their cookies.
var sessions = map[string]struct{ user, customer string }{
	"made-up-session": {"ann", "acme"},
}

// A portal for customers, in a service that knows its users by a cookie, which its own
// application shows in a frame: of another site, that needs a cookie with SameSite=None.
func ExampleNew() {
	folder, err := os.MkdirTemp("", "portal")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(folder)
	engine, err := sqlite.Open(filepath.Join(folder, "webhooks.db"), durable.Config{Logger: quiet})
	if err != nil {
		panic(err)
	}
	defer engine.Close()

	p, err := panel.New(panel.Config{
		Open: panel.Open(engine, engine.Webhooks(nil)),
		Authorize: func(r *http.Request) (panel.Access, error) {
			cookie, err := r.Cookie("session")
			if err != nil {
				return panel.Access{}, err
			}
			session, ok := sessions[cookie.Value]
			if !ok {
				return panel.Access{}, errors.New("no such session")
			}
			// Customers see all of what is theirs, but their secrets.
			may := panel.View | panel.Bodies | panel.Edit | panel.Send | panel.Delete
			return panel.Access{Actor: session.user, Tenant: session.customer, May: may}, nil
		},
		FrameAncestors: []string{"https://app.example"},
		Brand:          panel.Brand{Name: "Acme", Accent: "#0b5394"},
		Logger:         quiet,
	})
	if err != nil {
		panic(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/portal/", http.StripPrefix("/portal", p))
	mux.Handle("/portal/api/", http.StripPrefix("/portal/api", p.API()))

	for _, session := range []string{"made-up-session", "guessed"} {
		r := httptest.NewRequest("GET", "/portal/deliveries", nil)
		r.AddCookie(&http.Cookie{Name: "session", Value: session})
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		fmt.Println(session, w.Code)
	}
	// Output:
	// made-up-session 200
	// guessed 403
}
