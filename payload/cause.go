package payload

import "strings"

// HangupCause tells why a call ended, with FreeSWITCH's names. A cause that is not
// listed here, or in another spelling, stays as it came; [HangupCause.Canonical] returns
// the one that it means.
//
// Names and codes do not map one to one: the code that dialers report (Q.850) is 16,
// normal clearing, for every cause above 127. So a name has two numbers,
// [HangupCause.Code] and [HangupCause.Q850], and [CauseByCode] returns the name for a
// number. Dialers also write the name ANSWER, which FreeSWITCH does not have, for a
// call that was answered.
type HangupCause string

// The causes of FreeSWITCH (switch_types.h and the chart in switch_channel.c, at commit
// cc93a68), and ANSWER.
const (
	CauseAnswer                      HangupCause = "ANSWER" // of dialers
	CauseNone                        HangupCause = "NONE"
	CauseUnallocatedNumber           HangupCause = "UNALLOCATED_NUMBER"
	CauseNoRouteTransitNet           HangupCause = "NO_ROUTE_TRANSIT_NET"
	CauseNoRouteDestination          HangupCause = "NO_ROUTE_DESTINATION"
	CauseChannelUnacceptable         HangupCause = "CHANNEL_UNACCEPTABLE"
	CauseCallAwardedDelivered        HangupCause = "CALL_AWARDED_DELIVERED"
	CauseNormalClearing              HangupCause = "NORMAL_CLEARING"
	CauseUserBusy                    HangupCause = "USER_BUSY"
	CauseNoUserResponse              HangupCause = "NO_USER_RESPONSE"
	CauseNoAnswer                    HangupCause = "NO_ANSWER"
	CauseSubscriberAbsent            HangupCause = "SUBSCRIBER_ABSENT"
	CauseCallRejected                HangupCause = "CALL_REJECTED"
	CauseNumberChanged               HangupCause = "NUMBER_CHANGED"
	CauseRedirectionToNewDestination HangupCause = "REDIRECTION_TO_NEW_DESTINATION"
	CauseExchangeRoutingError        HangupCause = "EXCHANGE_ROUTING_ERROR"
	CauseDestinationOutOfOrder       HangupCause = "DESTINATION_OUT_OF_ORDER"
	CauseInvalidNumberFormat         HangupCause = "INVALID_NUMBER_FORMAT"
	CauseFacilityRejected            HangupCause = "FACILITY_REJECTED"
	CauseResponseToStatusEnquiry     HangupCause = "RESPONSE_TO_STATUS_ENQUIRY"
	CauseNormalUnspecified           HangupCause = "NORMAL_UNSPECIFIED"
	CauseNormalCircuitCongestion     HangupCause = "NORMAL_CIRCUIT_CONGESTION"
	CauseNetworkOutOfOrder           HangupCause = "NETWORK_OUT_OF_ORDER"
	CauseNormalTemporaryFailure      HangupCause = "NORMAL_TEMPORARY_FAILURE"
	CauseSwitchCongestion            HangupCause = "SWITCH_CONGESTION"
	CauseAccessInfoDiscarded         HangupCause = "ACCESS_INFO_DISCARDED"
	CauseRequestedChanUnavail        HangupCause = "REQUESTED_CHAN_UNAVAIL"
	CausePreEmpted                   HangupCause = "PRE_EMPTED"
	CauseFacilityNotSubscribed       HangupCause = "FACILITY_NOT_SUBSCRIBED"
	CauseOutgoingCallBarred          HangupCause = "OUTGOING_CALL_BARRED"
	CauseIncomingCallBarred          HangupCause = "INCOMING_CALL_BARRED"
	CauseBearercapabilityNotauth     HangupCause = "BEARERCAPABILITY_NOTAUTH"
	CauseBearercapabilityNotavail    HangupCause = "BEARERCAPABILITY_NOTAVAIL"
	CauseServiceUnavailable          HangupCause = "SERVICE_UNAVAILABLE"
	CauseBearercapabilityNotimpl     HangupCause = "BEARERCAPABILITY_NOTIMPL"
	CauseChanNotImplemented          HangupCause = "CHAN_NOT_IMPLEMENTED"
	CauseFacilityNotImplemented      HangupCause = "FACILITY_NOT_IMPLEMENTED"
	CauseServiceNotImplemented       HangupCause = "SERVICE_NOT_IMPLEMENTED"
	CauseInvalidCallReference        HangupCause = "INVALID_CALL_REFERENCE"
	CauseIncompatibleDestination     HangupCause = "INCOMPATIBLE_DESTINATION"
	CauseInvalidMsgUnspecified       HangupCause = "INVALID_MSG_UNSPECIFIED"
	CauseMandatoryIEMissing          HangupCause = "MANDATORY_IE_MISSING"
	CauseMessageTypeNonexist         HangupCause = "MESSAGE_TYPE_NONEXIST"
	CauseWrongMessage                HangupCause = "WRONG_MESSAGE"
	CauseIENonexist                  HangupCause = "IE_NONEXIST"
	CauseInvalidIEContents           HangupCause = "INVALID_IE_CONTENTS"
	CauseWrongCallState              HangupCause = "WRONG_CALL_STATE"
	CauseRecoveryOnTimerExpire       HangupCause = "RECOVERY_ON_TIMER_EXPIRE"
	CauseMandatoryIELengthError      HangupCause = "MANDATORY_IE_LENGTH_ERROR"
	CauseProtocolError               HangupCause = "PROTOCOL_ERROR"
	CauseInterworking                HangupCause = "INTERWORKING"
	CauseSuccess                     HangupCause = "SUCCESS"
	CauseOriginatorCancel            HangupCause = "ORIGINATOR_CANCEL"
	CauseCrash                       HangupCause = "CRASH"
	CauseSystemShutdown              HangupCause = "SYSTEM_SHUTDOWN"
	CauseLoseRace                    HangupCause = "LOSE_RACE"
	CauseManagerRequest              HangupCause = "MANAGER_REQUEST"
	CauseBlindTransfer               HangupCause = "BLIND_TRANSFER"
	CauseAttendedTransfer            HangupCause = "ATTENDED_TRANSFER"
	CauseAllottedTimeout             HangupCause = "ALLOTTED_TIMEOUT"
	CauseUserChallenge               HangupCause = "USER_CHALLENGE"
	CauseMediaTimeout                HangupCause = "MEDIA_TIMEOUT"
	CausePickedOff                   HangupCause = "PICKED_OFF"
	CauseUserNotRegistered           HangupCause = "USER_NOT_REGISTERED"
	CauseProgressTimeout             HangupCause = "PROGRESS_TIMEOUT"
	CauseInvalidGateway              HangupCause = "INVALID_GATEWAY"
	CauseGatewayDown                 HangupCause = "GATEWAY_DOWN"
	CauseInvalidURL                  HangupCause = "INVALID_URL"
	CauseInvalidProfile              HangupCause = "INVALID_PROFILE"
	CauseNoPickup                    HangupCause = "NO_PICKUP"
	CauseSRTPReadError               HangupCause = "SRTP_READ_ERROR"
	CauseBowout                      HangupCause = "BOWOUT"
	CauseBusyEverywhere              HangupCause = "BUSY_EVERYWHERE"
	CauseDecline                     HangupCause = "DECLINE"
	CauseDoesNotExistAnywhere        HangupCause = "DOES_NOT_EXIST_ANYWHERE"
	CauseNotAcceptable               HangupCause = "NOT_ACCEPTABLE"
	CauseUnwanted                    HangupCause = "UNWANTED"
	CauseNoIdentity                  HangupCause = "NO_IDENTITY"
	CauseBadIdentityInfo             HangupCause = "BAD_IDENTITY_INFO"
	CauseUnsupportedCertificate      HangupCause = "UNSUPPORTED_CERTIFICATE"
	CauseInvalidIdentity             HangupCause = "INVALID_IDENTITY"
	CauseStaleDate                   HangupCause = "STALE_DATE"
	CauseRejectAll                   HangupCause = "REJECT_ALL"
)

// causes has the numbers of the causes. FreeSWITCH 1.10.8 (commit 3b65b1b) moved its
// own causes, which have no number in Q.850, from 5xx and 6xx to 7xx and 8xx. old is
// the number before that, or 0 if it is the same.
var causes = []struct {
	name      HangupCause
	code, old int
}{
	{CauseNone, 0, 0},
	{CauseUnallocatedNumber, 1, 0},
	{CauseNoRouteTransitNet, 2, 0},
	{CauseNoRouteDestination, 3, 0},
	{CauseChannelUnacceptable, 6, 0},
	{CauseCallAwardedDelivered, 7, 0},
	{CauseNormalClearing, 16, 0},
	{CauseUserBusy, 17, 0},
	{CauseNoUserResponse, 18, 0},
	{CauseNoAnswer, 19, 0},
	{CauseSubscriberAbsent, 20, 0},
	{CauseCallRejected, 21, 0},
	{CauseNumberChanged, 22, 0},
	{CauseRedirectionToNewDestination, 23, 0},
	{CauseExchangeRoutingError, 25, 0},
	{CauseDestinationOutOfOrder, 27, 0},
	{CauseInvalidNumberFormat, 28, 0},
	{CauseFacilityRejected, 29, 0},
	{CauseResponseToStatusEnquiry, 30, 0},
	{CauseNormalUnspecified, 31, 0},
	{CauseNormalCircuitCongestion, 34, 0},
	{CauseNetworkOutOfOrder, 38, 0},
	{CauseNormalTemporaryFailure, 41, 0},
	{CauseSwitchCongestion, 42, 0},
	{CauseAccessInfoDiscarded, 43, 0},
	{CauseRequestedChanUnavail, 44, 0},
	{CausePreEmpted, 45, 0},
	{CauseFacilityNotSubscribed, 50, 0},
	{CauseOutgoingCallBarred, 52, 0},
	{CauseIncomingCallBarred, 54, 0},
	{CauseBearercapabilityNotauth, 57, 0},
	{CauseBearercapabilityNotavail, 58, 0},
	{CauseServiceUnavailable, 63, 0},
	{CauseBearercapabilityNotimpl, 65, 0},
	{CauseChanNotImplemented, 66, 0},
	{CauseFacilityNotImplemented, 69, 0},
	{CauseServiceNotImplemented, 79, 0},
	{CauseInvalidCallReference, 81, 0},
	{CauseIncompatibleDestination, 88, 0},
	{CauseInvalidMsgUnspecified, 95, 0},
	{CauseMandatoryIEMissing, 96, 0},
	{CauseMessageTypeNonexist, 97, 0},
	{CauseWrongMessage, 98, 0},
	{CauseIENonexist, 99, 0},
	{CauseInvalidIEContents, 100, 0},
	{CauseWrongCallState, 101, 0},
	{CauseRecoveryOnTimerExpire, 102, 0},
	{CauseMandatoryIELengthError, 103, 0},
	{CauseProtocolError, 111, 0},
	{CauseInterworking, 127, 0},
	{CauseSuccess, 142, 0},
	{CauseOriginatorCancel, 487, 0},
	{CauseCrash, 700, 500},
	{CauseSystemShutdown, 701, 501},
	{CauseLoseRace, 702, 502},
	{CauseManagerRequest, 703, 503},
	{CauseBlindTransfer, 800, 600},
	{CauseAttendedTransfer, 801, 601},
	{CauseAllottedTimeout, 802, 602},
	{CauseUserChallenge, 803, 603},
	{CauseMediaTimeout, 804, 604},
	{CausePickedOff, 805, 605},
	{CauseUserNotRegistered, 806, 606},
	{CauseProgressTimeout, 807, 607},
	{CauseInvalidGateway, 808, 608},
	{CauseGatewayDown, 809, 609},
	{CauseInvalidURL, 810, 610},
	{CauseInvalidProfile, 811, 611},
	{CauseNoPickup, 812, 612},
	{CauseSRTPReadError, 813, 613},
	{CauseBowout, 814, 614},
	{CauseBusyEverywhere, 815, 615},
	{CauseDecline, 816, 616},
	{CauseDoesNotExistAnywhere, 817, 617},
	{CauseNotAcceptable, 818, 618},
	{CauseUnwanted, 819, 619},
	{CauseNoIdentity, 820, 620},
	{CauseBadIdentityInfo, 821, 621},
	{CauseUnsupportedCertificate, 822, 622},
	{CauseInvalidIdentity, 823, 623},
	{CauseStaleDate, 824, 624},
	{CauseRejectAll, 825, 0},
}

// spellings has the causes of other platforms that are not FreeSWITCH's names in another
// spelling: those of Telnyx and sipgate.
var spellings = map[string]HangupCause{
	"busy":        CauseUserBusy,                    // sipgate
	"cancel":      CauseOriginatorCancel,            // sipgate
	"congestion":  CauseNormalCircuitCongestion,     // sipgate
	"forwarded":   CauseRedirectionToNewDestination, // sipgate
	"notfound":    CauseUnallocatedNumber,           // both
	"timeout":     CauseNoAnswer,                    // Telnyx: nobody answered in time
	"timelimit":   CauseAllottedTimeout,             // Telnyx
	"unspecified": CauseNormalUnspecified,           // Telnyx
}

var (
	causeCodes = map[HangupCause]int{}
	causeNames = map[int]HangupCause{}
)

func init() {
	spellings[folded(string(CauseAnswer))] = CauseAnswer
	for _, c := range causes {
		causeCodes[c.name] = c.code
		causeNames[c.code] = c.name
		spellings[folded(string(c.name))] = c.name
		if c.old != 0 {
			causeNames[c.old] = c.name
		}
	}
}

// maxWord is more than the length of any word of an enumeration.
const maxWord = 64

// folded returns a word of an enumeration without case and without what joins its parts:
// NORMAL_CLEARING, normalClearing and Normal-Clearing are one word. A text that is too
// long for a word is none.
func folded(word string) string {
	if len(word) > maxWord {
		return ""
	}
	return strings.ToLower(joints.Replace(word))
}

var joints = strings.NewReplacer("_", "", "-", "", " ", "")

// Canonical returns the cause as it is listed here, and false for an unknown one. Case and
// what joins the words do not matter (normal_clearing, normalClearing), and the causes of
// Telnyx and sipgate that have other names are known, too: busy is [CauseUserBusy].
func (c HangupCause) Canonical() (HangupCause, bool) {
	if _, ok := causeCodes[c]; ok {
		return c, true // as nearly always
	}
	cause, ok := spellings[folded(string(c))]
	return cause, ok
}

// Code returns FreeSWITCH's own number of the cause, as numbered since 1.10.8, and
// false if it has none. The cause may be in any spelling that [HangupCause.Canonical]
// knows.
func (c HangupCause) Code() (int, bool) {
	c, _ = c.Canonical()
	n, ok := causeCodes[c]
	return n, ok
}

// Q850 returns the number that is reported for the cause as hangup_cause_code. Up to 127
// it is FreeSWITCH's own number, which is that of ITU-T Q.850. For all causes above 127
// and for ANSWER it is 16 (normal clearing). Q850 returns false for an unknown cause; the
// cause may be in any spelling that [HangupCause.Canonical] knows.
func (c HangupCause) Q850() (int, bool) {
	c, _ = c.Canonical()
	n, ok := causeCodes[c]
	switch {
	case c == CauseAnswer, n > 127:
		return 16, true
	default:
		return n, ok
	}
}

// CauseByCode returns the cause with a number in either of FreeSWITCH's numberings, and
// false if there is none. A reported code of 16 may stand for any cause above 127: if
// there is a name, use the name.
func CauseByCode(code int) (HangupCause, bool) {
	c, ok := causeNames[code]
	return c, ok
}
