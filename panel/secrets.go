package panel

import (
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
	for _, o := range overlaps {
		page.Spans = append(page.Spans, choice{o.name, "overlap." + o.name, o.name == "24h"})
	}
	return c.render("secrets", "secrets.title", page)
}

// rotate gives a webhook a new secret.
func (c *call) rotate() error {
	if err := c.form(); err != nil {
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
	if err := c.form(); err != nil {
		return err
	}
	text := c.r.PostForm.Get("secret")
	var secret webhook.Secret
	var err error
	if strings.HasPrefix(text, "whsec_") {
		secret, err = webhook.ParseSecret(text)
	} else {
		secret, err = webhook.ExistingSecret([]byte(text))
	}
	if err != nil { // which may say what was typed
		return durable.ErrSecret
	}
	stored, err := c.webhooks.SetSecret(c.ctx, c.r.PathValue("id"), secret)
	if err != nil {
		return err
	}
	return c.renderSecrets("", stored.Warning)
}
