package payload

// Refs returns what a call is looked for by: the id, the number called and, unless it
// is that of a campaign, which all of its calls have, the number that called.
func (r CallReport) Refs() []string {
	refs := []string{r.MID, r.To.String()}
	if r.Source != SourceOBD {
		refs = append(refs, r.From.String())
	}
	return refs
}

// Refs returns what a call is looked for by: its ids and the number of the lead.
func (c CDR) Refs() []string {
	return []string{c.CallID, c.CallRequestID, c.CDRID, c.PhoneNumber.String()}
}

// Refs returns what a message is looked for by: its id, the customer's own id of it,
// and the number that it was sent to.
func (s MessageStatus) Refs() []string { return []string{s.ID, s.ForeignID, s.Recipient().String()} }

// Refs returns what a message is looked for by: the id of the notification, the id of
// the message, and the number that it came from.
func (m MessageIn) Refs() []string {
	return []string{m.ID, m.Message.ID, m.From().String()}
}

// Refs returns what an SMS is looked for by: its id, the customer's own id and text of
// it, and the number that it was sent to.
func (s SMSStatus) Refs() []string { return []string{s.ID, s.Mobile.String(), s.CID, s.Custom} }

// Refs returns what an unsubscription is looked for by: its id and the number.
func (u Unsubscription) Refs() []string { return []string{u.ID, u.Receiver.String()} }

// Refs returns what the state of a webhook is looked for by: the id of the webhook.
func (s WebhookState) Refs() []string { return []string{s.ID} }
