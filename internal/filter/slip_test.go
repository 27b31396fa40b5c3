package filter_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook/internal/filter"
)

// Letters that are taken for others, as they are told; the rest of the pattern stays.
func TestLetters_Slips(t *testing.T) {
	t.Parallel()
	tests := []struct {
		own             filter.Letters
		pattern, mended string
		codes           []string
	}{
		{filter.PHP, "Y-i-d", "Y-m-d", []string{"date-minutes-in-date"}},
		{filter.PHP, "d/i/Y H:i", "d/m/Y H:i", []string{"date-minutes-in-date"}},
		{filter.PHP, "i/d/Y", "m/d/Y", []string{"date-minutes-in-date"}},
		{filter.PHP, "Yid", "Ymd", []string{"date-minutes-in-date"}},
		{filter.PHP, "j i y", "j m y", []string{"date-minutes-in-date"}},
		{filter.PHP, "H:m", "H:i", []string{"date-month-in-time"}},
		{filter.PHP, "H.m", "H.i", []string{"date-month-in-time"}},
		{filter.PHP, "YmdHms", "YmdHis", []string{"date-month-in-time"}},
		{filter.PHP, "Y-i-d H:m", "Y-m-d H:i", []string{"date-minutes-in-date", "date-month-in-time"}},
		{filter.PHP, "H:i:S", "H:i:s", []string{"date-no-seconds"}},
		{filter.PHP, "H:i:U", "H:i:s", []string{"date-no-seconds"}},
		{filter.PHP, "Y-m-D", "Y-m-d", []string{"date-no-day"}},
		{filter.PHP, "D/m/Y", "d/m/Y", []string{"date-no-day"}},
		{filter.PHP, "M:i", "H:i", []string{"date-month-for-hour"}},
		{filter.PHP, "d/m/Y h:i", "d/m/Y H:i", []string{"date-half-day"}},
		{filter.PHP, "g:i:s", "H:i:s", []string{"date-half-day"}},

		{filter.Strftime, "%Y-%M-%d", "%Y-%m-%d", []string{"date-minutes-in-date"}},
		{filter.Strftime, "%d/%M/%Y", "%d/%m/%Y", []string{"date-minutes-in-date"}},
		{filter.Strftime, "%M/%-d/%y", "%m/%-d/%y", []string{"date-minutes-in-date"}},
		{filter.Strftime, "%H:%m", "%H:%M", []string{"date-month-in-time"}},
		{filter.Strftime, "%-I:%-m %p", "%-I:%M %p", []string{"date-month-in-time"}},
		{filter.Strftime, "%H:%M:%s", "%H:%M:%S", []string{"date-no-seconds"}},
		{filter.Strftime, "%Y-%m-%D", "%Y-%m-%d", []string{"date-no-day"}},
		{filter.Strftime, "%h:%M", "%H:%M", []string{"date-month-for-hour"}},
		{filter.Strftime, "%d %b, %I:%M", "%d %b, %H:%M", []string{"date-half-day"}},

		{filter.PHP, "d/m/Y H:i", "", nil},
		{filter.PHP, "D, d M Y", "", nil},
		{filter.PHP, "D/d/m", "", nil},
		{filter.PHP, "D M jS, g:i a", "", nil},
		{filter.PHP, "D", "", nil},
		{filter.PHP, "h:i A", "", nil},
		{filter.PHP, "h", "", nil},
		{filter.PHP, "h i", "", nil},
		{filter.PHP, "H:i d/m/Y", "", nil},
		{filter.PHP, "H i d Y", "", nil},
		{filter.PHP, "Hi d/m/Y", "", nil},
		{filter.PHP, "YmdHis", "", nil},
		{filter.PHP, "Y-m-d, i", "", nil},
		{filter.PHP, "jS F", "", nil},
		{filter.PHP, "Y M d", "", nil},
		{filter.PHP, `\H:\m Y-\i-d \h:i`, "", nil},
		{filter.PHP, "i:s", "", nil},
		{filter.PHP, "H, m", "", nil},
		{filter.Strftime, "%Y-%m-%d %H:%M:%S", "", nil},
		{filter.Strftime, "%D %r", "", nil},
		{filter.Strftime, "%I:%M%P", "", nil},
		{filter.Strftime, "%%Y-%M", "", nil},
		{filter.Strftime, "%F %T", "", nil},
		{filter.Strftime, "%Q %Y-%M-%d", "", nil},
		{filter.Strftime, "%M %s", "", nil},
	}
	for _, tt := range tests {
		slips, mended := tt.own.Slips(tt.pattern)
		var codes []string
		for _, s := range slips {
			codes = append(codes, s.Code.String())
			require.NotContains(t, fmt.Sprintf(s.Message, s.Wrong, s.Right), "%!")
		}
		require.Equal(t, tt.codes, codes, tt.pattern)
		if tt.codes == nil {
			tt.mended = tt.pattern
		}
		require.Equal(t, tt.mended, mended, tt.pattern)
		again, _ := tt.own.Slips(mended)
		require.Empty(t, again, mended)
	}
}
