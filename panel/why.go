package panel

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/queue"
)

// summary says in a few words what became of a delivery.
func (c *call) summary(d durable.Delivery, now time.Time) string {
	switch {
	case d.Reason != "" && d.State != durable.StateFailed:
		return c.text(reasonCode(d.Reason))
	case d.State == durable.StateDelivered && d.Attempts > 1:
		return c.number("happened.delivered_after", d.Attempts)
	case d.State == durable.StateDelivered || d.State == durable.StateCanceled:
		return ""
	case d.State == durable.StatePending && d.Class == "" && d.Error == "":
		return c.text("happened.waits")
	}
	text := c.why(d.Class, d.Status)
	if d.Class == "" { // of one that cannot be read, say
		text = strings.TrimPrefix(d.Error, "webhook: ")
	}
	if d.State == durable.StatePending && !d.Due.IsZero() {
		if d.Due.After(now) {
			return c.text("happened.again", text, c.ago(d.Due, now))
		}
		return c.text("happened.due", text)
	}
	return text
}

// why says in words that a customer understands why an attempt failed. Of a class that is
// not known here, which another version wrote, it says only that it failed.
func (c *call) why(class webhook.Class, status int) string {
	if class = classOf(string(class)); !slices.Contains(webhook.Classes(), class) {
		class = ""
	}
	if class == webhook.ClassStatus {
		return c.text("why.status", status)
	}
	return c.text("why." + string(class))
}

// failure says in words why an attempt failed, by its code: more closely than by its class. An
// attempt of before there were codes has none.
func (c *call) failure(code string, args []string, class webhook.Class, status int) string {
	values := make([]any, max(len(args), 3)) // no code has more, and a text may name each
	for i := range values {
		values[i] = ""
	}
	for i, arg := range args {
		values[i] = arg
	}
	if text := c.known("failed."+strings.TrimPrefix(code, "delivery-"), values...); text != "" {
		return text
	}
	return c.why(class, status)
}

// reasonCode is the code of the text for why a delivery was dropped or canceled.
func reasonCode(reason queue.Reason) string {
	switch reason {
	case queue.ReasonGone, queue.ReasonFailing, queue.ReasonDisabled, queue.ReasonSuperseded, queue.ReasonDeleted,
		queue.ReasonUnverified:
		return "reason." + string(reason)
	}
	return "reason.other"
}

// whyState says why a webhook is in its state: in words if this library has decided so,
// else in those of who did.
func (c *call) whyState(d durable.Definition) string {
	if code := reasonCode(queue.Reason(d.Reason)); code != "reason.other" {
		return c.text(code)
	}
	return d.Reason
}

// codes lists status codes.
func codes(want []int) string {
	texts := make([]string, len(want))
	for i, code := range want {
		texts[i] = strconv.Itoa(code)
	}
	return strings.Join(texts, ", ")
}

// advice says what to do about it.
func (c *call) advice(class webhook.Class, status int) string {
	if class = classOf(string(class)); !slices.Contains(webhook.Classes(), class) {
		class = ""
	}
	if class == webhook.ClassStatus {
		return c.text("advice.status." + adviceOf(status))
	}
	return c.text("advice." + string(class))
}

// adviceOf returns under what there is advice for a status.
func adviceOf(status int) string {
	switch {
	case status >= 200 && status < 300:
		return "unwanted"
	case status >= 300 && status < 400:
		return "redirect"
	case status == 400 || status == 422:
		return "content"
	case status == 401 || status == 403:
		return "credentials"
	case status == 404:
		return "path"
	case status == 405:
		return "method"
	case status == 410:
		return "gone"
	case status == 413:
		return "size"
	case status == 415:
		return "format"
	case status == 429:
		return "rate"
	case status >= 500:
		return "server"
	}
	return "other"
}
