package main

import (
	"crypto/rand"
	"errors"
	"html/template"
	"net/http"
	"sync"
	"time"
)

// A user is who has logged in to the application.
type user struct{ name, customer string }

// users are made up: a real application has passwords, or better.
var users = map[string]user{"ann": {"ann", "acme"}, "gus": {"gus", "globex"}}

const (
	ticketFor  = time.Minute
	sessionFor = 8 * time.Hour
	cookieName = "session"
)

// passes are tickets and sessions. The application makes a ticket for a user, over a
// connection of its own to the service in earnest; the service takes it for a session.
type passes struct {
	mu                sync.Mutex
	tickets, sessions map[string]pass
}

type pass struct {
	user
	until time.Time
}

func newPasses() *passes { return &passes{tickets: map[string]pass{}, sessions: map[string]pass{}} }

// add adds a pass under a random name, and forgets those that have ended.
func add(all map[string]pass, who user, until time.Time) string {
	for name, p := range all {
		if time.Now().After(p.until) {
			delete(all, name)
		}
	}
	name := rand.Text()
	all[name] = pass{who, until}
	return name
}

func (p *passes) ticket(who user) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return add(p.tickets, who, time.Now().Add(ticketFor))
}

// enter takes a ticket, which then is gone: one in a log is of no use.
func (p *passes) enter(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Referrer-Policy", "no-referrer")
	w.Header().Set("Cache-Control", "no-store")
	p.mu.Lock()
	defer p.mu.Unlock()
	name := r.URL.Query().Get("ticket")
	ticket, ok := p.tickets[name]
	delete(p.tickets, name)
	if !ok || time.Now().After(ticket.until) {
		http.Error(w, "This link has been used, or is too old. Open the page again.", http.StatusForbidden)
		return
	}
	http.SetCookie(w, &http.Cookie{
		Name: cookieName, Value: add(p.sessions, ticket.user, time.Now().Add(sessionFor)), Path: "/portal/",
		MaxAge: int(sessionFor / time.Second), HttpOnly: true, Secure: true, SameSite: http.SameSiteNoneMode, Partitioned: true,
	})
	http.Redirect(w, r, "/portal/", http.StatusSeeOther)
}

// session returns whose session a request is of.
func (p *passes) session(r *http.Request) (user, error) {
	cookie, err := r.Cookie(cookieName)
	if err != nil {
		return user{}, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	session, ok := p.sessions[cookie.Value]
	if !ok || time.Now().After(session.until) {
		return user{}, errors.New("no such session")
	}
	return session.user, nil
}

// framed is the application's, with the panel in a frame.
var framed = template.Must(template.New("page").Parse(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>An application</title><link rel="icon" href="data:,"></head>
<body><h1>The application of {{.Customer}}</h1>
<p>Logged in as {{.Name}}. <a href="?user=ann">ann</a> <a href="?user=gus">gus</a></p>
<iframe title="Webhooks" src="{{.Service}}/enter?ticket={{.Ticket}}" width="1000" height="700"></iframe></body></html>
`))

// applicationHandler serves the application. The made-up login is the parameter user.
func (p *portal) applicationHandler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who, ok := users[r.URL.Query().Get("user")]
		if !ok {
			who = users["ann"]
		}
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("Content-Security-Policy", "default-src 'none'; img-src data:; frame-src "+p.service)
		_ = framed.Execute(w, map[string]string{
			"Name": who.name, "Customer": who.customer, "Service": p.service, "Ticket": p.passes.ticket(who),
		})
	})
}
