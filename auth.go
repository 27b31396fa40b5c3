package webhook

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/ringhook/webhook/internal/oauth"
	"github.com/ringhook/webhook/internal/problem"
	"github.com/ringhook/webhook/internal/request"
)

// An AuthType says how a receiver wants to be shown who sends.
type AuthType string

// The types of credentials. All of them are sent in the header Authorization.
const (
	AuthBasic  AuthType = "basic"  // a user's name and password
	AuthBearer AuthType = "bearer" // a token that does not change
	AuthOAuth2 AuthType = "oauth2" // tokens of a token server, by client credentials
)

// An Auth is what a receiver wants to be shown with each request: credentials, which
// belong to a webhook and are in no message. It is plain data and survives a JSON round
// trip, so that it can be stored, and should be stored sealed. It prints and logs its Type
// alone.
type Auth struct {
	// Type says which of the other fields count.
	Type AuthType `json:"type"`
	// User and Password are for AuthBasic. User has no colon.
	User     string `json:"user,omitempty"`
	Password string `json:"password,omitempty"`
	// Token is for AuthBearer: at most 4 KiB of visible ASCII.
	Token string `json:"token,omitempty"`
	// TokenURL is the https address of the token server for AuthOAuth2. It is asked with
	// ClientID and Secret by HTTP Basic, as RFC 6749 section 4.4 says.
	TokenURL string `json:"token_url,omitempty"`
	ClientID string `json:"client_id,omitempty"`
	Secret   string `json:"secret,omitempty"`
	// Scope is what is asked for, if the token server wants it to be said.
	Scope string `json:"scope,omitempty"`
	// Origin is scheme, host and port of the webhook's URL, such as https://example.com,
	// as [Origin] returns them: what the credentials are sent to, and nothing else. A
	// message that was composed before the URL was changed does not take the new
	// receiver's credentials to the old one. [Client.Auth] must set it, as
	// [Webhook.Credentials] does; in a [Webhook] it has no meaning.
	Origin string `json:"origin,omitempty"`
}

// Origin returns scheme, host and, if it is not the scheme's own, port of a URL, by which
// credentials are held to the receiver that they are for. The URL may have placeholders
// in its path and query. Its errors quote nothing of the URL.
func Origin(rawURL string) (string, error) {
	u, err := originURL(rawURL)
	if err != nil {
		return "", fmt.Errorf("webhook: %w", err)
	}
	return originOf(u), nil
}

func originURL(rawURL string) (*url.URL, error) {
	scheme, rest, ok := strings.Cut(request.TrimURL(rawURL), "://")
	if end := strings.IndexAny(rest, "/?#"); ok && end >= 0 {
		rawURL = scheme + "://" + rest[:end]
	}
	return request.ParseURL(request.TrimURL(rawURL))
}

func originOf(u *url.URL) string {
	host := strings.ToLower(u.Host)
	for scheme, port := range map[string]string{"http": ":80", "https": ":443"} {
		if u.Scheme == scheme {
			host = strings.TrimSuffix(host, port)
		}
	}
	return u.Scheme + "://" + host
}

// Check returns nil if the credentials can be sent, else what is wrong with them. The error
// names the field and quotes no value.
func (a *Auth) Check() error {
	if err := a.check(); err != nil {
		return fmt.Errorf("webhook: auth: %w", err)
	}
	return nil
}

func (a *Auth) check() error {
	u, err := originURL(a.Origin)
	switch {
	case a.Origin == "":
		return fieldError("origin", "missing")
	case err != nil:
		return fieldError("origin", err.Error())
	case u.Scheme != "https":
		return fieldError("origin", "credentials are sent over https only")
	}
	return a.checkValues()
}

// checkValues checks all but the origin.
func (a *Auth) checkValues() error {
	var fields []credential
	switch a.Type {
	case AuthBasic:
		fields = []credential{{"user", a.User}, {"password", a.Password}}
		switch {
		case a.User == "" && a.Password == "":
			return fieldError("user", "missing")
		case strings.Contains(a.User, ":"):
			return fieldError("user", "a colon cannot be part of it")
		}
	case AuthBearer:
		if !oauth.IsToken(a.Token) {
			return fieldError("token", "want 1 to 4096 characters of visible ASCII")
		}
	case AuthOAuth2:
		fields = []credential{{"client_id", a.ClientID}, {"secret", a.Secret}, {"scope", a.Scope}}
		u, err := request.ParseURL(a.TokenURL)
		switch {
		case err != nil:
			return fieldError("token_url", err.Error())
		case u.Scheme != "https":
			return fieldError("token_url", "want https://")
		case maskURL(a.TokenURL, false) != a.TokenURL: // which people see
			return fieldError("token_url", "credentials belong in client_id and secret, not in the query")
		case a.ClientID == "":
			return fieldError("client_id", "missing")
		case a.Secret == "":
			return fieldError("secret", "missing")
		}
	default:
		return fieldError("type", "want basic, bearer or oauth2")
	}
	for _, f := range fields {
		if err := f.check(); err != nil {
			return err
		}
	}
	return nil
}

type credential struct{ field, value string }

// check refuses what RFC 7617 does, and what is too long for a header.
func (c credential) check() error {
	const most = 1024
	if len(c.value) > most {
		return fieldError(c.field, fmt.Sprintf("%d bytes, at most %d", len(c.value), most))
	}
	if i := strings.IndexFunc(c.value, func(r rune) bool { return r < ' ' || r == 0x7f }); i >= 0 {
		return fieldError(c.field, fmt.Sprintf("a control character at offset %d", i))
	}
	return nil
}

// fieldError says what is wrong with a field of an Auth.
func fieldError(field, text string) error {
	return problem.New(problem.AuthField, field+": "+text, nil, field, text)
}

// checkAuth returns what is wrong with the credentials of a webhook, whose URL is https
// if it is known.
func (w Webhook) checkAuth(sampleURL string) error {
	switch {
	case w.Auth == nil:
		return nil
	case strings.HasPrefix(sampleURL, "http:"):
		return problem.Errorf(problem.AuthPlain, "credentials are sent over https only")
	}
	for name := range w.Headers {
		if strings.EqualFold(name, "Authorization") {
			return problem.Errorf(problem.AuthHeader, "the webhook has a header Authorization of its own")
		}
	}
	return w.Auth.checkValues()
}

// Masked returns a copy of a with *** in place of Password, Token and Secret where they are
// set, for people to look at; nil for nil.
func (a *Auth) Masked() *Auth {
	if a == nil {
		return nil
	}
	m := *a
	for _, value := range []*string{&m.Password, &m.Token, &m.Secret} {
		if *value != "" {
			*value = Mask
		}
	}
	return &m
}

// String returns the type.
func (a Auth) String() string { return fmt.Sprintf("auth: %.16s", string(a.Type)) }

// GoString returns the same, since the rest are credentials.
func (a Auth) GoString() string { return a.String() }

// LogValue returns the type.
func (a Auth) LogValue() slog.Value { return slog.StringValue(a.String()) }

func (a *Auth) grant() oauth.Grant {
	return oauth.Grant{URL: a.TokenURL, ClientID: a.ClientID, Secret: a.Secret, Scope: a.Scope}
}

// An authorization is the header that an attempt has, and where it came from.
type authorization struct {
	value string
	auth  *Auth
	token string // of AuthOAuth2
	kept  bool   // the token was there before
}

// authorize adds the credentials of a webhook to the header of one attempt.
func (c *Client) authorize(ctx context.Context, m *Message, u *url.URL, header http.Header) (*authorization, error) {
	a, err := c.authOf(ctx, m.WebhookID)
	switch {
	case err != nil:
		return nil, err
	case a == nil:
		return nil, nil
	}
	if err := a.check(); err != nil {
		p := problem.Of(err)
		return nil, &authError{"credentials: " + err.Error(), nil, p.Code, p.Args}
	}
	origin, _ := originURL(a.Origin) // which check has parsed
	switch {
	case u.Scheme != "https":
		return nil, &authError{text: "credentials are sent over https only", code: problem.AuthPlain}
	case originOf(u) != originOf(origin):
		return nil, &authError{text: "the credentials are for another host", code: problem.DeliveryAuthOrigin}
	case len(header["Authorization"]) > 0:
		return nil, &authError{text: "the webhook has a header Authorization of its own", code: problem.AuthHeader}
	}
	x := &authorization{auth: a}
	if err := c.fill(ctx, m.WebhookID, x); err != nil {
		return nil, err
	}
	header["Authorization"] = []string{x.value}
	return x, nil
}

// fill finds the value of the header.
func (c *Client) fill(ctx context.Context, webhookID string, x *authorization) (err error) {
	switch a := x.auth; a.Type {
	case AuthBasic:
		x.value = "Basic " + base64.StdEncoding.EncodeToString([]byte(a.User+":"+a.Password))
	case AuthBearer:
		x.value = "Bearer " + a.Token
	case AuthOAuth2:
		x.token, x.kept, err = c.tokens.Get(ctx, c.roundTripper(), c.userAgent(), webhookID, a.grant())
		if err != nil {
			return tokenError(err)
		}
		x.value = "Bearer " + x.token
	}
	return nil
}

// renew reports whether there is another token in place of one that was refused.
func (c *Client) renew(ctx context.Context, m *Message, x *authorization, header http.Header) bool {
	if x == nil || !x.kept {
		return false
	}
	refused := x.token
	c.tokens.Drop(m.WebhookID, x.auth.grant(), refused)
	if c.fill(ctx, m.WebhookID, x) != nil || x.token == refused {
		return false
	}
	header["Authorization"] = []string{x.value}
	return true
}

// authOf asks for the credentials of a webhook.
func (c *Client) authOf(ctx context.Context, webhookID string) (a *Auth, err error) {
	if c.Auth == nil {
		return nil, nil
	}
	defer func() {
		if v := recover(); v != nil {
			a, err = nil, &authError{detail: recovered("Auth", v)}
		}
	}()
	if a, err = c.Auth(ctx, webhookID); err != nil {
		return nil, &authError{detail: err}
	}
	return a, nil
}

// An authError says why there are no credentials.
type authError struct {
	text   string // for the customer; if empty, nobody but the operator is told
	detail error  // for the operator, or nil
	code   problem.Code
	args   []string
}

func (e *authError) Error() string {
	switch {
	case e.detail == nil:
		return e.text
	case e.text == "":
		return e.detail.Error()
	}
	return e.text + ": " + e.detail.Error()
}

func (e *authError) Unwrap() error { return e.detail }

// tokenError makes the customer's text of what became of a request for a token.
func tokenError(err error) error {
	const server = "the token server: "
	var status *oauth.StatusError
	if errors.As(err, &status) {
		return &authError{
			"the token server answered with " + status.Error(), err,
			problem.DeliveryAuthStatus,
			[]string{strconv.Itoa(status.Status)},
		}
	}
	var text string
	switch class := classify(err, time.Now()); {
	case errors.Is(err, oauth.ErrAnswer):
		text = err.Error() // which quotes nothing
	case class == ClassTLS:
		text = tlsText(err)
	default:
		text = classTexts[class]
	}
	return &authError{server + text, err, problem.DeliveryAuthToken, []string{text}}
}

// hideAuth adds what a webhook's receiver was shown.
func (c *Client) hideAuth(ctx context.Context, webhookID string, h *hidden) (ok bool) {
	a, err := c.authOf(ctx, webhookID)
	if a == nil {
		return err == nil
	}
	for _, value := range []string{a.Password, a.Token, a.Secret} {
		h.add(value, minHidden)
	}
	tokens := c.tokens.Known(webhookID, a.grant())
	if a.Type == AuthBasic {
		tokens = append(tokens, base64.StdEncoding.EncodeToString([]byte(a.User+":"+a.Password)))
	}
	for _, token := range tokens {
		h.add(token, minHidden)
	}
	return true
}
