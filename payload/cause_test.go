package payload_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook/payload"
)

// The numbers are those of switch_types.h before FreeSWITCH 1.10.8 (old) and since, and
// those that switch_channel_cause_q850 returns.
func TestHangupCause(t *testing.T) {
	t.Parallel()
	tests := []struct {
		cause           payload.HangupCause
		code, old, q850 int
	}{
		{"NONE", 0, 0, 0},
		{"UNALLOCATED_NUMBER", 1, 1, 1},
		{"NORMAL_CLEARING", 16, 16, 16},
		{"USER_BUSY", 17, 17, 17},
		{"NO_ANSWER", 19, 19, 19},
		{"CALL_REJECTED", 21, 21, 21},
		{"NORMAL_CIRCUIT_CONGESTION", 34, 34, 34},
		{"RECOVERY_ON_TIMER_EXPIRE", 102, 102, 102},
		{"INTERWORKING", 127, 127, 127},
		{"SUCCESS", 142, 142, 16},
		{"ORIGINATOR_CANCEL", 487, 487, 16},
		{"CRASH", 700, 500, 16},
		{"MANAGER_REQUEST", 703, 503, 16},
		{"BLIND_TRANSFER", 800, 600, 16},
		{"ALLOTTED_TIMEOUT", 802, 602, 16},
		{"PICKED_OFF", 805, 605, 16},
		{"STALE_DATE", 824, 624, 16},
		{"REJECT_ALL", 825, 825, 16},
	}
	for _, tt := range tests {
		t.Run(string(tt.cause), func(t *testing.T) {
			t.Parallel()
			code, ok := tt.cause.Code()
			require.True(t, ok)
			require.Equal(t, tt.code, code)
			q850, ok := tt.cause.Q850()
			require.True(t, ok)
			require.Equal(t, tt.q850, q850)
			for _, n := range []int{tt.code, tt.old} {
				cause, ok := payload.CauseByCode(n)
				require.True(t, ok)
				require.Equal(t, tt.cause, cause)
			}
		})
	}
}

func TestHangupCauseAnswer(t *testing.T) {
	t.Parallel()
	_, ok := payload.CauseAnswer.Code()
	require.False(t, ok, "FreeSWITCH has no such cause")
	q850, ok := payload.CauseAnswer.Q850()
	require.True(t, ok)
	require.Equal(t, 16, q850)
}

func TestHangupCauseUnknown(t *testing.T) {
	t.Parallel()
	for _, cause := range []payload.HangupCause{"", "_", "NO_SUCH_CAUSE", "NORMAL_CLEARING\x00", "answered"} {
		_, known := cause.Canonical()
		require.False(t, known)
		_, ok := cause.Code()
		require.False(t, ok)
		_, ok = cause.Q850()
		require.False(t, ok)
	}
	for _, n := range []int{-1, 4, 8, 128, 486, 504, 625, 704, 826, 1 << 30} {
		cause, ok := payload.CauseByCode(n)
		require.False(t, ok, n)
		require.Empty(t, cause)
	}
}

// Other platforms spell the names differently, or have names of their own.
func TestHangupCauseSpellings(t *testing.T) {
	t.Parallel()
	tests := []struct {
		spelling, want payload.HangupCause
		q850           int
	}{
		// Telnyx
		{"call_rejected", payload.CauseCallRejected, 21},
		{"normal_clearing", payload.CauseNormalClearing, 16},
		{"originator_cancel", payload.CauseOriginatorCancel, 16},
		{"timeout", payload.CauseNoAnswer, 19},
		{"time_limit", payload.CauseAllottedTimeout, 16},
		{"user_busy", payload.CauseUserBusy, 17},
		{"not_found", payload.CauseUnallocatedNumber, 1},
		{"no_answer", payload.CauseNoAnswer, 19},
		{"unspecified", payload.CauseNormalUnspecified, 31},
		// sipgate
		{"normalClearing", payload.CauseNormalClearing, 16},
		{"busy", payload.CauseUserBusy, 17},
		{"cancel", payload.CauseOriginatorCancel, 16},
		{"noAnswer", payload.CauseNoAnswer, 19},
		{"congestion", payload.CauseNormalCircuitCongestion, 34},
		{"notFound", payload.CauseUnallocatedNumber, 1},
		{"forwarded", payload.CauseRedirectionToNewDestination, 23},
		// others
		{"Normal Clearing", payload.CauseNormalClearing, 16},
		{"USER-BUSY", payload.CauseUserBusy, 17},
		{"answer", payload.CauseAnswer, 16},
		{"none", payload.CauseNone, 0},
		{payload.CauseStaleDate, payload.CauseStaleDate, 16},
	}
	for _, tt := range tests {
		t.Run(string(tt.spelling), func(t *testing.T) {
			t.Parallel()
			cause, ok := tt.spelling.Canonical()
			require.True(t, ok)
			require.Equal(t, tt.want, cause)
			q850, ok := tt.spelling.Q850()
			require.True(t, ok)
			require.Equal(t, tt.q850, q850)
			code, ok := tt.spelling.Code()
			wantCode, wantOK := tt.want.Code()
			require.Equal(t, wantOK, ok)
			require.Equal(t, wantCode, code)
		})
	}
	record := parse[*payload.CDR](t, cdr(`"call_id":"2","hangup_cause":"normal_clearing"`))
	require.Equal(t, payload.HangupCause("normal_clearing"), record.HangupCause, "it stays as it came")
}

// In the numbering since 1.10.8, every number has one name, and that name the number.
func TestHangupCauseCodes(t *testing.T) {
	t.Parallel()
	numbers, names := 0, map[payload.HangupCause]int{}
	for n := range 1000 {
		cause, ok := payload.CauseByCode(n)
		if !ok {
			continue
		}
		numbers++
		code, ok := cause.Code()
		require.True(t, ok)
		if code != n {
			require.Equal(t, n+200, code, "only 5xx and 6xx were moved")
		}
		names[cause] = code
	}
	require.Len(t, names, 82)
	require.Equal(t, 82+29, numbers)
}
