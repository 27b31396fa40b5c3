package webhook

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Mask stands in place of what may be a credential, wherever a request or a webhook is
// shown.
const Mask = "***"

// openHeaders are those whose values are no credentials.
var openHeaders = []string{"Accept", "Accept-Language", "Content-Type", "User-Agent", HeaderID, HeaderTimestamp}

// SensitiveHeader reports whether the values of a header may be credentials: those of all
// headers but Accept, Accept-Language, Content-Type, User-Agent, Webhook-Id and
// Webhook-Timestamp. Receivers have any name for the others.
func SensitiveHeader(name string) bool {
	return !slices.Contains(openHeaders, http.CanonicalHeaderKey(name))
}

// openParameters are the names of query parameters whose values are no credentials.
var openParameters = strings.Fields(`
	id ids event type status channel source to from mobile msisdn phone caller called direction
	call_id message_id message_status campaign campaign_id flow_id webhook_id
	duration date time timestamp start end start_at end_at created_at updated_at sent_at read_at
	cost amount currency units credits reason cause hangup_cause
	lang language locale country format version v page limit offset sort order q test debug`)

// SensitiveParameter reports whether the value of a query parameter may be a credential,
// by its name as the URL has it: that of all but a few whose names are usual and no
// credential's, such as id, status, to and from. A list of the others, such as code, sid or
// pin, would never be complete. Of to[0] and data[token], as of lists and objects, each
// name counts.
func SensitiveParameter(name string) bool {
	plain, err := url.QueryUnescape(name)
	parts := strings.FieldsFunc(strings.ToLower(plain), func(r rune) bool { return r == '[' || r == ']' })
	isOpen := func(part string) bool {
		return slices.Contains(openParameters, part) || strings.Trim(part, "0123456789") == ""
	}
	return err != nil || len(parts) == 0 || !slices.Contains(openParameters, parts[0]) ||
		slices.ContainsFunc(parts, func(part string) bool { return !isOpen(part) })
}
