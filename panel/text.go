package panel

import "fmt"

// text returns the text for a code in the language of the request.
func (c *call) text(code string, args ...any) string {
	if c.config.Text != nil {
		if text := c.config.Text(c.lang, code, args...); text != "" {
			return text
		}
	}
	text, ok := english[code]
	switch {
	case !ok:
		return code
	case len(args) == 0:
		return text
	}
	return fmt.Sprintf(text, args...)
}

// number returns the text for a number of things. Languages with more forms of the plural
// than two tell by the number.
func (c *call) number(code string, n int) string {
	if n == 1 {
		return c.text(code+".one", n)
	}
	return c.text(code+".other", n)
}

// english has all texts of the panel by their codes. What is a number of things has two: for
// one, and for others.
var english = map[string]string{ //nolint:gosec // texts about secrets are none
	"nav.label":  "Sections",
	"nav.skip":   "Skip to the content",
	"nav.all":    "All tenants",
	"nav.tenant": "Tenant",

	"overview.title": "Overview",

	"deliveries.title":      "Deliveries",
	"deliveries.none":       "Nothing was sent yet. What is dispatched to a webhook appears here.",
	"deliveries.none_match": "No delivery matches.",

	"delivery.title":       "Delivery",
	"delivery.summary":     "What became of it",
	"delivery.version":     "version %d",
	"delivery.times.one":   "%d time",
	"delivery.times.other": "%d times",

	"attempts.title":         "Attempts",
	"attempts.none":          "None was made yet.",
	"attempt.delivered":      "Delivered",
	"attempt.failed":         "Failed",
	"attempt.number":         "Attempt %d",
	"attempt.took":           "after %s",
	"attempt.resent":         "after it was resent",
	"attempt.requests.one":   "%d request",
	"attempt.requests.other": "sent %d times on a connection that broke",
	"attempt.unsent":         "nothing was sent",
	"attempt.want":           "The webhook counts only these status codes as delivered: %s",
	"attempt.location":       "It points to",
	"attempt.answer":         "What the receiver answered",
	"attempt.sealed":         "There is an answer, stored encrypted, whose key is not there.",

	"request.title":     "What was sent",
	"request.none":      "There is nothing: the event could not be composed, its data was erased, or its webhook was deleted.",
	"request.sealed":    "It is stored encrypted, and the key is not there.",
	"request.hidden":    "A body of %d bytes. Your account may not see it.",
	"request.no_body":   "No body.",
	"request.event":     "The event that it was made of",
	"request.curl":      "As a curl command",
	"request.curl_what": "Without signatures, and with *** in place of what may be a credential.",

	"search.label": "ID, reference or number",
	"search.id":    "ID of a delivery",
	"search.go":    "Search",
	"search.found": "These were found.",
	"search.all":   "Show all deliveries",

	"filter.any":   "Any",
	"filter.show":  "Show",
	"filter.clear": "Clear",
	"span.any":     "Any time",
	"span.1h":      "The last hour",
	"span.24h":     "The last 24 hours",
	"span.7d":      "The last 7 days",
	"span.30d":     "The last 30 days",
	"page.first":   "Newest",
	"page.next":    "Older",

	"field.actions":    "Actions",
	"field.created":    "Accepted",
	"field.event":      "Event",
	"field.id":         "ID",
	"field.next":       "Next attempt",
	"field.ended":      "Ended",
	"field.resent":     "Resent",
	"field.of":         "Composed again from",
	"field.happened":   "What happened",
	"field.select":     "Select",
	"field.select_one": "Select %s",
	"field.state":      "State",
	"field.webhook":    "Webhook",
	"field.webhook_id": "ID of a webhook",
	"field.within":     "Time",

	"state.pending":   "Pending",
	"state.delivered": "Delivered",
	"state.failed":    "Failed",
	"state.dropped":   "Dropped",
	"state.canceled":  "Canceled",

	"do.resend":          "Resend",
	"do.retry":           "Retry now",
	"do.cancel":          "Cancel",
	"do.recompose":       "Compose again",
	"recompose.what":     "Makes the request again from the event, with the webhook as it is now, and sends it",
	"do.resend_selected": "Resend selected",
	"do.resend_all":      "Resend all that match…",
	"do.not":             "Do not",
	"do.back":            "Back",

	"note.resent.one":       "%d delivery is sent again.",
	"note.resent.other":     "%d deliveries are sent again.",
	"note.recomposed.one":   "The event was composed with the webhook as it is now, and is sent.",
	"note.recomposed.other": "The events were composed with the webhook as it is now, and are sent.",
	"note.retried.one":      "%d delivery is tried again now.",
	"note.retried.other":    "%d deliveries are tried again now.",
	"note.canceled.one":     "%d delivery was canceled.",
	"note.canceled.other":   "%d deliveries were canceled.",
	"note.unchanged.one":    "Nothing was changed: the delivery had ended.",
	"note.unchanged.other":  "Nothing was changed: the deliveries had ended.",
	"note.left.one":         "%d was left: it has not ended, or has no message.",
	"note.left.other":       "%d were left: they have not ended, or have no message.",

	"resend.title":     "Resend all that match",
	"resend.count":     "%s deliveries match.",
	"resend.failed":    "%s failed.",
	"resend.dropped":   "%s were dropped.",
	"resend.delivered": "%s were delivered already: their receivers get them twice.",
	"resend.what": "Each is sent with the same content and ID as before, the oldest first. Those that were superseded, never " +
		"composed or erased are left out. At most %d go at once.",
	"resend.go":   "Resend %s",
	"resend.none": "Nothing that failed or was dropped matches.",

	"happened.delivered_after.one":   "After %d attempt",
	"happened.delivered_after.other": "After %d attempts",
	"happened.waits":                 "Waits for its first attempt",
	"happened.again":                 "%s; next attempt %s",
	"happened.due":                   "%s; due now",

	"reason.gone":       "The receiver answered 410: it wants no more",
	"reason.failing":    "The webhook had failed for too long",
	"reason.disabled":   "The webhook is disabled",
	"reason.superseded": "Newer news came first",
	"reason.deleted":    "The webhook was deleted",
	"reason.other":      "Dropped for another reason",

	"why.":         "It failed",
	"why.dns":      "The host name was not found",
	"why.connect":  "No connection to the receiver",
	"why.tls":      "No secure connection to the receiver",
	"why.timeout":  "The receiver did not answer in time",
	"why.reset":    "The receiver closed the connection without an answer",
	"why.protocol": "The answer was not HTTP, or too large",
	"why.blocked":  "The address may not be sent to",
	"why.status":   "The receiver answered %d",
	"why.sign":     "The request could not be signed",
	"why.invalid":  "The event could not be made into a request",
	"why.canceled": "The attempt was stopped",

	"advice.":         "Look at what the receiver answered.",
	"advice.dns":      "Check the spelling of the host in the URL, and that its DNS entry is there.",
	"advice.connect":  "Check that the receiver runs, and that its firewall lets requests to this port in.",
	"advice.tls":      "Check the certificate of the receiver: that it has not expired, is for this host name, and comes with its chain.",
	"advice.timeout":  "Answer as soon as the request is read, and do the work after that. Or give the webhook a longer timeout.",
	"advice.reset":    "Look for a crash, a restart or a limit of a proxy in the logs of the receiver.",
	"advice.protocol": "Check that the URL is one of a web server, and not of another service or port.",
	"advice.blocked":  "Use a host with a public address. Who runs this service can allow others.",
	"advice.sign":     "Who runs this service has to look at the secrets of the webhook.",
	"advice.invalid":  "Mend the template of the webhook, then compose the event again.",
	"advice.canceled": "It is tried again, unless the delivery was canceled.",

	"advice.status.unwanted":    "The webhook counts only other status codes as delivered. Answer with one of these, or let the webhook take this one.",
	"advice.status.redirect":    "Redirects are not followed. Enter the address that it points to as the URL of the webhook.",
	"advice.status.content":     "The receiver does not understand the request. Compare the body with what its documentation asks for.",
	"advice.status.credentials": "The receiver does not accept the credentials. Check the headers of the webhook, or how signatures are verified.",
	"advice.status.path":        "There is nothing at this address. Check the path of the URL.",
	"advice.status.method":      "The receiver does not take this method. Check the method of the webhook.",
	"advice.status.gone":        "The receiver says that it wants no more, so the webhook is disabled. Enable it if that was a mistake.",
	"advice.status.size":        "The receiver takes no request as large. Send less in the body.",
	"advice.status.format":      "The receiver takes no body of this kind. Check the format of the webhook.",
	"advice.status.rate":        "The receiver asks for fewer requests. It is tried again more slowly; a rate can be set for the webhook.",
	"advice.status.server":      "Something fails at the receiver. Look into its logs at this time.",
	"advice.status.other":       "Look at what the receiver answered, and into its logs.",

	"time.never":             "never",
	"time.now":               "just now",
	"time.ago.seconds.one":   "%d second ago",
	"time.ago.seconds.other": "%d seconds ago",
	"time.ago.minutes.one":   "%d minute ago",
	"time.ago.minutes.other": "%d minutes ago",
	"time.ago.hours.one":     "%d hour ago",
	"time.ago.hours.other":   "%d hours ago",
	"time.ago.days.one":      "%d day ago",
	"time.ago.days.other":    "%d days ago",
	"time.in.seconds.one":    "in %d second",
	"time.in.seconds.other":  "in %d seconds",
	"time.in.minutes.one":    "in %d minute",
	"time.in.minutes.other":  "in %d minutes",
	"time.in.hours.one":      "in %d hour",
	"time.in.hours.other":    "in %d hours",
	"time.in.days.one":       "in %d day",
	"time.in.days.other":     "in %d days",

	"error.back":               "To the overview",
	"error.forbidden.title":    "You have no access",
	"error.forbidden.text":     "Sign in again, or ask who runs this service for access.",
	"error.cross_origin.title": "This came from another page",
	"error.cross_origin.text":  "Your browser sent it from another site, so nothing was done. Open this page itself, and try again.",
	"error.not_allowed.title":  "You may not do that",
	"error.not_allowed.text":   "Your account may not see or change this. Ask who runs this service.",
	"error.no_page.title":      "There is no such page",
	"error.no_page.text":       "The address may be mistyped, or from an older version.",
	"error.not_found.title":    "Not found",
	"error.not_found.text":     "There is nothing with this ID, or it is kept no longer.",
	"error.form.title":         "That could not be read",
	"error.form.text":          "A value is missing, or is not one that can be chosen. Nothing was done.",
	"error.filter.title":       "That cannot be searched for",
	"error.filter.text":        "A value of the filter is not one that can be chosen, or it is too wide for what is to be done.",
	"error.tenant.title":       "Not a tenant",
	"error.tenant.text":        "The name of a tenant has 1 to 128 bytes.",
	"error.id.title":           "Not an ID",
	"error.id.text":            "The ID of a webhook is a UUID in lower case.",
	"error.secret.title":       "Not a secret that can be used",
	"error.secret.text":        "A secret is at least 8 bytes long.",
	"error.exists.title":       "There is one already",
	"error.exists.text":        "A webhook has this ID, or had it before it was deleted.",
	"error.conflict.title":     "Somebody else changed it",
	"error.conflict.text":      "It was changed since you opened it. Look at it again, and decide again.",
	"error.pending.title":      "It has not ended yet",
	"error.pending.text":       "The delivery is still being tried. It can be sent again once it has ended.",
	"error.ended.title":        "It has ended already",
	"error.ended.text":         "The delivery waits for nothing any more. It can be sent again instead.",
	"error.no_message.title":   "There is no message to send",
	"error.no_message.text":    "The event could not be composed, its data was erased, or its webhook was deleted.",
	"error.no_event.title":     "There is no event to compose",
	"error.no_event.text":      "No event is kept with the delivery, or it was erased.",
	"error.taken.title":        "The ID is taken",
	"error.taken.text":         "Another message has this ID.",
	"error.disabled.title":     "The webhook is disabled",
	"error.disabled.text":      "Nothing is sent to it. Enable the webhook first.",
	"error.template.title":     "The webhook has errors",
	"error.template.text":      "It cannot be stored or used as it is.",
	"error.timeout.title":      "The timeout is too long",
	"error.timeout.text":       "Choose a shorter one.",
	"error.not_composed.title": "The event could not be composed",
	"error.not_composed.text":  "The template of the webhook does not suit this event. Mend it, and try again.",
	"error.sealed.title":       "It cannot be opened",
	"error.sealed.text":        "It is stored encrypted, and the key is not there. Ask who runs this service.",
	"error.too_large.title":    "That is too large",
	"error.too_large.text":     "Nothing was done. Make it smaller.",
	"error.stopped.title":      "The service stops",
	"error.stopped.text":       "Try again in a minute. What was accepted is kept.",
	"error.away.title":         "The database is away",
	"error.away.text":          "It does not answer at the moment. What was accepted is kept. Try again in a minute.",
	"error.internal.title":     "Something went wrong here",
	"error.internal.text":      "It was logged, for who runs this service. Nothing of what you see elsewhere is wrong for it.",
}
