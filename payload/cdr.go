package payload

import "github.com/ringhook/webhook/internal/field"

// EventCDR is the event type of call detail records. Their body does not contain it,
// since it has no envelope.
const EventCDR = "dialer:cdr"

// A CDR is the call detail record of one leg that an auto-dialer placed.
type CDR struct {
	ClientID            Int         `json:"client_id" doc:"Account code to indicate which customer the dial should be associated with"`
	CDRID               string      `json:"cdr_id" doc:"CDR API id"`
	CallerID            Phone       `json:"callerid" doc:"Caller id presented by the dialer"`
	CallRequestID       string      `json:"callrequest_id" doc:"Dialer root call id"`
	CallID              string      `json:"call_id" doc:"Dialer FreeSWITCH call id"`
	CampaignID          Int         `json:"campaign_id" doc:"Dialer campaign id"`
	CampaignName        string      `json:"campaign_name" doc:"Dialer campaign name"`
	LegType             LegType     `json:"leg_type" doc:"Call leg type: 1 A-leg, 2 B-leg"`
	PhoneNumber         Phone       `json:"phone_number" doc:"Phone number of the lead, without a leading +"`
	ListPhonebookID     []int64     `json:"list_phonebook_id" doc:"Ids of the lists that the lead is in"`
	ListPhonebookName   []string    `json:"list_phonebook_name" doc:"Names of the lists that the lead is in"`
	Gateway             string      `json:"gateway" doc:"Gateway used by the dialer to place the call"`
	AMDStatus           AMDStatus   `json:"amd_status" doc:"Answering machine detection: 1 person, 2 machine, 3 unsure"`
	HangupCauseCode     Int         `json:"hangup_cause_code" doc:"Hangup cause code returned by the dialer (Q.850)"`
	HangupCause         HangupCause `json:"hangup_cause" doc:"Hangup cause returned by the dialer"`
	Cost                Decimal     `json:"cost" doc:"Cost of the dial"`
	BilledDuration      Seconds     `json:"billed_duration" doc:"Billable time in seconds"`
	IncrementalDuration Seconds     `json:"incremental_duration" doc:"Incremental duration on the CDR record in seconds"`
	CallDate            Time        `json:"call_date" doc:"When the dial was placed, with or without a zone"`

	extra extra
}

// LegType is a leg of a call. Its zero value means unset and is written as null.
type LegType int

// The legs of a call.
const (
	LegA LegType = 1
	LegB LegType = 2
)

// AMDStatus is the result of answering machine detection. Its zero value means unset
// and is written as null.
type AMDStatus int

// The results of answering machine detection. Dialers write AMDPerson for everything
// that is not a machine.
const (
	AMDPerson  AMDStatus = 1
	AMDMachine AMDStatus = 2
	AMDUnsure  AMDStatus = 3
)

// EventType returns [EventCDR].
func (CDR) EventType() string { return EventCDR }

// MarshalJSON writes the documented body.
func (c CDR) MarshalJSON() ([]byte, error) { return cdrs.appendJSON(nil, &c), nil }

// UnmarshalJSON reads a body and overwrites all of c.
func (c *CDR) UnmarshalJSON(b []byte) error { return unmarshal(cdrs, c, b) }

var cdrs = newObject(
	func(c *CDR) *extra { return &c.extra },
	scalar(intNumber, func(c *CDR) (*Int, extra) { return &c.ClientID, c.extra }),
	text(func(c *CDR) (*string, extra) { return &c.CDRID, c.extra }),
	scalar(phoneText, func(c *CDR) (*Phone, extra) { return &c.CallerID, c.extra }),
	text(func(c *CDR) (*string, extra) { return &c.CallRequestID, c.extra }),
	text(func(c *CDR) (*string, extra) { return &c.CallID, c.extra }),
	scalar(intNumber, func(c *CDR) (*Int, extra) { return &c.CampaignID, c.extra }),
	text(func(c *CDR) (*string, extra) { return &c.CampaignName, c.extra }),
	code(func(c *CDR) *LegType { return &c.LegType }),
	scalar(phoneDigits, func(c *CDR) (*Phone, extra) { return &c.PhoneNumber, c.extra }),
	numbers(func(c *CDR) *[]int64 { return &c.ListPhonebookID }),
	texts(func(c *CDR) *[]string { return &c.ListPhonebookName }),
	text(func(c *CDR) (*string, extra) { return &c.Gateway, c.extra }),
	code(func(c *CDR) *AMDStatus { return &c.AMDStatus }),
	scalar(intNumber, func(c *CDR) (*Int, extra) { return &c.HangupCauseCode, c.extra }),
	text(func(c *CDR) (*HangupCause, extra) { return &c.HangupCause, c.extra }),
	scalar(amount, func(c *CDR) (*Decimal, extra) { return &c.Cost, c.extra }),
	scalar(secondsNumber, func(c *CDR) (*Seconds, extra) { return &c.BilledDuration, c.extra }),
	scalar(secondsNumber, func(c *CDR) (*Seconds, extra) { return &c.IncrementalDuration, c.extra }),
	scalar(anyTime, func(c *CDR) (*Time, extra) { return &c.CallDate, c.extra }),
)

func init() { field.Register(cdrs.typ, cdrs.appendJSON) }
