package panel

import (
	"net/url"
	"strings"

	"github.com/ringhook/webhook"
)

// An authField is a part of the credentials that the form has.
type authField struct {
	Name string           // of the input
	Type webhook.AuthType // that has it
	Most int              // characters
	of   func(*webhook.Auth) *string
}

var authFields = []authField{
	{"auth_user", webhook.AuthBasic, 1024, func(a *webhook.Auth) *string { return &a.User }},
	{"auth_password", webhook.AuthBasic, 1024, func(a *webhook.Auth) *string { return &a.Password }},
	{"auth_token", webhook.AuthBearer, 4096, func(a *webhook.Auth) *string { return &a.Token }},
	{"auth_token_url", webhook.AuthOAuth2, 2048, func(a *webhook.Auth) *string { return &a.TokenURL }},
	{"auth_client_id", webhook.AuthOAuth2, 1024, func(a *webhook.Auth) *string { return &a.ClientID }},
	{"auth_secret", webhook.AuthOAuth2, 1024, func(a *webhook.Auth) *string { return &a.Secret }},
	{"auth_scope", webhook.AuthOAuth2, 1024, func(a *webhook.Auth) *string { return &a.Scope }},
}

// readAuth returns the credentials of a form, and whether it has fields for them. Of a type
// it has only what is that type's, since the form keeps what was typed for another.
func readAuth(values url.Values) (auth *webhook.Auth, has bool) {
	a := &webhook.Auth{Type: webhook.AuthType(values.Get("auth_type"))}
	if a.Type == "" {
		return nil, values.Has("auth_type")
	}
	for _, field := range authFields {
		if field.Type == a.Type {
			*field.of(a) = values.Get(field.Name)
		}
	}
	a.Token, a.TokenURL = strings.TrimSpace(a.Token), strings.TrimSpace(a.TokenURL) // as they are pasted
	return a, true
}

// authText is how credentials are shown beside those of another version.
func authText(a *webhook.Auth) string {
	if a == nil {
		return ""
	}
	lines, a := []string{"type: " + string(a.Type)}, a.Masked()
	for _, field := range authFields {
		if value := *field.of(a); value != "" {
			lines = append(lines, strings.TrimPrefix(field.Name, "auth_")+": "+value)
		}
	}
	return strings.Join(lines, "\n")
}

// authPlace is the place in the form of what Check says of credentials.
func authPlace(p webhook.Problem) string {
	if p.Field != "auth" || p.Code != "auth-field" || len(p.Args) == 0 {
		return p.Field
	}
	return "auth_" + p.Args[0]
}

// An authInput is an input of the form.
type authInput struct {
	authField
	Value string
	Wrong bool
}

// Label is the code of a text.
func (f authField) Label() string { return "field." + f.Name }

func (page hookPage) authInputs() (list []authInput) {
	var a webhook.Auth
	if page.Form.Auth != nil {
		a = *page.Form.Auth
	}
	for _, field := range authFields {
		in := authInput{authField: field, Value: *field.of(&a)}
		for _, fault := range page.Faults {
			in.Wrong = in.Wrong || fault.Place == field.Name && fault.Severity == webhook.SeverityError
		}
		list = append(list, in)
	}
	return list
}

// authTypes are the choices, that of no credentials first.
func authTypes(a *webhook.Auth) []choice {
	var chosen webhook.AuthType
	if a != nil {
		chosen = a.Type
	}
	var list []choice
	for _, t := range []webhook.AuthType{"", webhook.AuthBasic, webhook.AuthBearer, webhook.AuthOAuth2} {
		list = append(list, choice{Value: string(t), Text: "auth." + string(t), Chosen: t == chosen})
	}
	return list
}
