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
	for _, cause := range []payload.HangupCause{"", "normal_clearing", "NO_SUCH_CAUSE"} {
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
