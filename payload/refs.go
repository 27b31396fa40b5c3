package payload

// Refs returns what a call is looked for by: the id, and the numbers of both ends.
func (r CallReport) Refs() []string {
	return []string{r.MID, r.To.String(), r.From.String(), r.Bridge.String()}
}

// Refs returns what a call is looked for by: its ids and the number of the lead.
func (c CDR) Refs() []string {
	return []string{c.CallID, c.CallRequestID, c.CDRID, c.PhoneNumber.String()}
}

// Refs returns what a message is looked for by: its id, the customer's own id of it, and the
// number that it was sent to.
func (s MessageStatus) Refs() []string { return []string{s.ID, s.ForeignID, s.To.String()} }

// Refs returns what a message is looked for by: the id of the notification, the id of the
// message, and the number that it came from.
func (m MessageIn) Refs() []string {
	return []string{m.ID, m.Message.ID, m.Recipient.From.String()}
}
