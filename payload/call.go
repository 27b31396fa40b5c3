package payload

import "github.com/ringhook/webhook/internal/field"

// EventCall is the event type of call reports. Their body does not contain it, since it
// has no envelope.
const EventCall = "voice:message:out"

// A CallReport tells how an outbound call ended: a call of a campaign (OBD) or the two
// legs of a Click2Call.
//
// The members date, unixtime, billing, status1, status2 and hangup_by belong to
// Click2Call: if unset, they are written only for Source C2C. mid and flow_id belong to
// campaigns: if unset, they are written only for other sources.
type CallReport struct {
	Bridge       Phone      `json:"bridge" doc:"DID number for call initiation"`
	From         Phone      `json:"from" doc:"From number for call initiation"`
	To           Phone      `json:"to" doc:"Phone number to which call has connected"`
	Source       CallSource `json:"source" doc:"OBD or C2C"`
	MID          string     `json:"mid" alias:"id" doc:"Message id of the campaign" absent:"in reports of Click2Call"`
	FlowID       Int        `json:"flow_id" doc:"Flow id for the campaign used" absent:"in reports of Click2Call"`
	StartAt      Time       `json:"start_at" doc:"Call start time, YYYY-MM-DD hh:mm:ss without a zone"`
	EndAt        Time       `json:"end_at" doc:"Call end time, YYYY-MM-DD hh:mm:ss without a zone"`
	Date         Time       `json:"date" doc:"Time of the report, YYYY-MM-DD hh:mm:ss without a zone (Click2Call)" absent:"in reports of campaigns"`
	UnixTime     Int        `json:"unixtime" doc:"Time of the report in seconds since 1970 (Click2Call)" absent:"in reports of campaigns"`
	Duration     Seconds    `json:"duration" doc:"Duration of the call in seconds (first call)"`
	Billing      Seconds    `json:"billing" doc:"Duration of the second leg in seconds (Click2Call)" absent:"in reports of campaigns"`
	Status       CallStatus `json:"status" doc:"Call status"`
	Status1      CallStatus `json:"status1" doc:"Status of the first leg (Click2Call)" absent:"in reports of campaigns"`
	Status2      CallStatus `json:"status2" doc:"Status of the second leg (Click2Call)" absent:"in reports of campaigns"`
	RecordingURL string     `json:"recording_url" doc:"Recording URL if the call got recorded" absent:"unless the call was recorded"`
	HangupBy     HangupBy   `json:"hangup_by" doc:"Who hung up: agent or caller (Click2Call)" absent:"in reports of campaigns"`

	extra extra
}

// CallSource tells which product made a call.
type CallSource string

// The sources of call reports.
const (
	SourceOBD CallSource = "OBD" // outbound dialling, a campaign
	SourceC2C CallSource = "C2C" // Click2Call
)

// CallStatus is a status in a [CallReport]: how a call, or one leg of it, ended. A
// status that is not listed here stays as it came.
type CallStatus string

// The call statuses: Asterisk's DIALSTATUS and three of the platform's own.
const (
	CallStatusAnswer      CallStatus = "ANSWER"
	CallStatusBusy        CallStatus = "BUSY"
	CallStatusNoAnswer    CallStatus = "NOANSWER"
	CallStatusCancel      CallStatus = "CANCEL"
	CallStatusCongestion  CallStatus = "CONGESTION"
	CallStatusChanUnavail CallStatus = "CHANUNAVAIL"
	CallStatusReceived    CallStatus = "RECEIVED"  // reached the IVR, not forwarded
	CallStatusMissed      CallStatus = "MISSED"    // the agent did not answer
	CallStatusCompleted   CallStatus = "COMPLETED" // the second leg answered
)

// HangupBy tells which side of a Click2Call hung up.
type HangupBy string

// The sides of a Click2Call.
const (
	HangupByAgent  HangupBy = "agent"
	HangupByCaller HangupBy = "caller"
)

// EventType returns [EventCall].
func (CallReport) EventType() string { return EventCall }

// MarshalJSON writes the documented body.
func (r CallReport) MarshalJSON() ([]byte, error) { return callReports.appendJSON(nil, &r), nil }

// UnmarshalJSON reads a body and overwrites all of r.
func (r *CallReport) UnmarshalJSON(b []byte) error { return unmarshal(callReports, r, b) }

func isC2C(r *CallReport) bool    { return r.Source == SourceC2C }
func isNotC2C(r *CallReport) bool { return r.Source != SourceC2C }

var callReports = newObject(
	func(r *CallReport) *extra { return &r.extra },
	scalar(phoneNumber, func(r *CallReport) (*Phone, extra) { return &r.Bridge, r.extra }),
	scalar(phoneNumber, func(r *CallReport) (*Phone, extra) { return &r.From, r.extra }),
	scalar(phoneNumber, func(r *CallReport) (*Phone, extra) { return &r.To, r.extra }),
	text(func(r *CallReport) (*CallSource, extra) { return &r.Source, r.extra }),
	text(func(r *CallReport) (*string, extra) { return &r.MID, r.extra }).unless(isNotC2C),
	scalar(intNumber, func(r *CallReport) (*Int, extra) { return &r.FlowID, r.extra }).unless(isNotC2C),
	scalar(wallClock, func(r *CallReport) (*Time, extra) { return &r.StartAt, r.extra }),
	scalar(wallClock, func(r *CallReport) (*Time, extra) { return &r.EndAt, r.extra }),
	scalar(wallClock, func(r *CallReport) (*Time, extra) { return &r.Date, r.extra }).unless(isC2C),
	scalar(intText, func(r *CallReport) (*Int, extra) { return &r.UnixTime, r.extra }).unless(isC2C),
	scalar(secondsText, func(r *CallReport) (*Seconds, extra) { return &r.Duration, r.extra }),
	scalar(secondsText, func(r *CallReport) (*Seconds, extra) { return &r.Billing, r.extra }).unless(isC2C),
	text(func(r *CallReport) (*CallStatus, extra) { return &r.Status, r.extra }),
	text(func(r *CallReport) (*CallStatus, extra) { return &r.Status1, r.extra }).unless(isC2C),
	text(func(r *CallReport) (*CallStatus, extra) { return &r.Status2, r.extra }).unless(isC2C),
	text(func(r *CallReport) (*string, extra) { return &r.RecordingURL, r.extra }),
	text(func(r *CallReport) (*HangupBy, extra) { return &r.HangupBy, r.extra }).unless(isC2C),
)

func init() { field.Register(callReports.typ, callReports.appendJSON) }
