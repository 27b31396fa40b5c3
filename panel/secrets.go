package panel

import (
	"strconv"
	"strings"
	"time"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable"
)

// A secretPage is what the page of a webhook's secrets shows. Only a new secret is shown,
// once.
type secretPage struct {
	Hook    hookRow
	Secrets []durable.StoredSecret
	New     string
	Warning string
	Spans   []choice
	Newest  string // which secret is the newest: a form that is sent twice makes one
}

// maxOverlap is for how long a secret may go on beside a new one at most.
const maxOverlap = 30 * 24 * time.Hour

// overlaps are for how long the secret before goes on to sign beside a new one.
var overlaps = []struct {
	name string
	time.Duration
}{{"0", 0}, {"1h", time.Hour}, {"24h", 24 * time.Hour}, {"7d", 7 * 24 * time.Hour}}

// showSecrets lists the secrets of a webhook, without themselves.
func (c *call) showSecrets() error { return c.renderSecrets("", "") }

func (c *call) renderSecrets(shown, warning string) error {
	d, err := c.webhooks.Get(c.ctx, c.r.PathValue("id"))
	if err != nil {
		return err
	}
	page := secretPage{New: shown, Warning: warning}
	if page.Hook, err = c.hookRow(d); err != nil {
		return err
	}
	if page.Secrets, err = c.webhooks.Secrets(c.ctx, d.ID); err != nil {
		return err
	}
	page.Newest = newest(page.Secrets)
	for _, o := range overlaps {
		page.Spans = append(page.Spans, choice{o.name, "overlap." + o.name, o.name == "24h"})
	}
	return c.render("secrets", "secrets.title", page)
}

// newest names the newest of some secrets, by when it was made.
func newest(secrets []durable.StoredSecret) string {
	if len(secrets) == 0 {
		return "none"
	}
	return strconv.FormatInt(secrets[0].Created.UnixMicro(), 10)
}

// secretForm reads a form that changes secrets, which must be about those of now: one that is
// sent twice, such as when the page of a new secret is loaded again, is refused.
func (c *call) secretForm() error {
	if err := c.form(); err != nil {
		return err
	}
	secrets, err := c.webhooks.Secrets(c.ctx, c.r.PathValue("id"))
	if err == nil && c.r.PostForm.Get("newest") != newest(secrets) {
		err = durable.ErrConflict
	}
	return err
}

// rotate gives a webhook a new secret.
func (c *call) rotate() error {
	if err := c.secretForm(); err != nil {
		return err
	}
	for _, o := range overlaps {
		if o.name == c.r.PostForm.Get("overlap") {
			secret, err := c.webhooks.Rotate(c.ctx, c.r.PathValue("id"), o.Duration)
			if err != nil {
				return err
			}
			return c.renderSecrets(secret.Reveal(), "")
		}
	}
	return errForm
}

// setSecret gives a webhook the secret that its receiver has already.
func (c *call) setSecret() error {
	if err := c.secretForm(); err != nil {
		return err
	}
	stored, err := c.storeSecret(c.r.PostForm.Get("secret"))
	if err != nil {
		return err
	}
	return c.renderSecrets("", stored.Warning)
}

func (c *call) storeSecret(text string) (stored durable.StoredSecret, err error) {
	var secret webhook.Secret
	if strings.HasPrefix(text, "whsec_") {
		secret, err = webhook.ParseSecret(text)
	} else {
		secret, err = webhook.ExistingSecret([]byte(text))
	}
	if err != nil { // which may say what was typed
		return stored, durable.ErrSecret
	}
	return c.webhooks.SetSecret(c.ctx, c.r.PathValue("id"), secret)
}

// A shownSecret is what programs see of a secret: all but itself.
type shownSecret struct {
	Created time.Time `json:"created"`
	Until   time.Time `json:"until,omitzero"`
	Warning string    `json:"warning,omitempty"`
}

// apiSecrets answers with the secrets of a webhook, without themselves.
func (c *call) apiSecrets() error {
	if err := c.own(); err != nil {
		return err
	}
	secrets, err := c.webhooks.Secrets(c.ctx, c.r.PathValue("id"))
	if err != nil {
		return err
	}
	list := make([]shownSecret, len(secrets))
	for i, s := range secrets {
		list[i] = shownSecret{s.Created, s.Until, s.Warning}
	}
	return c.json(struct {
		Secrets []shownSecret `json:"secrets"`
	}{list})
}

// apiSetSecret gives a webhook the secret that its receiver has already.
func (c *call) apiSetSecret() error {
	var in struct {
		Secret string `json:"secret"`
	}
	if err := c.own(); err != nil {
		return err
	}
	if err := c.read(&in); err != nil {
		return err
	}
	s, err := c.storeSecret(in.Secret)
	if err != nil {
		return err
	}
	return c.json(shownSecret{s.Created, s.Until, s.Warning})
}
