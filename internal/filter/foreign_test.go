package filter_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook/internal/field"
	"github.com/ringhook/webhook/internal/filter"
)

func TestLetters_Foreign(t *testing.T) {
	t.Parallel()
	tests := []struct {
		own     filter.Letters
		pattern string
		other   filter.Letters
		inOwn   string
	}{
		{filter.PHP, "%Y-%m-%d", filter.Strftime, "Y-m-d"},
		{filter.PHP, "%F %T", filter.Strftime, "Y-m-d H:i:s"},
		{filter.PHP, "%-d %B %Y, %I:%M %p", filter.Strftime, "j F Y, h:i A"},
		{filter.PHP, "%Y at %H", filter.Strftime, `Y \a\t H`},
		{filter.PHP, "%Y 100%%", filter.Strftime, "Y 100%"},
		{filter.PHP, "%Y day %j", filter.Strftime, ""},
		{filter.PHP, "%Y %", filter.Strftime, ""},
		{filter.PHP, "2006-01-02", filter.Go, "Y-m-d"},
		{filter.PHP, "02/01/2006 15:04:05", filter.Go, "d/m/Y H:i:s"},
		{filter.PHP, "2006-01-02x15:04", filter.Go, ""},
		{filter.PHP, "YYYY-MM-DD", filter.Moment, "Y-m-d"},
		{filter.PHP, "yyyy-MM-dd HH:mm:ss", filter.Moment, "Y-m-d H:i:s"},
		{filter.PHP, "yyyy-mm-dd", filter.Moment, "Y-m-d"},
		{filter.PHP, "YYYY-mm-DD HH:MM", filter.Moment, "Y-m-d H:i"},
		{filter.PHP, "%Y-%M-%d", filter.Strftime, "Y-m-d"},
		{filter.PHP, "2006-04-02", filter.Go, "Y-m-d"},
		{filter.Strftime, "yyyy/mm/dd", filter.Moment, "%Y/%m/%d"},
		{filter.Strftime, "Y-i-d", filter.PHP, "%Y-%m-%d"},
		{filter.PHP, "DD.MM.YY", filter.Moment, "d.m.y"},
		{filter.PHP, "D MMM YYYY, hh:mm A", filter.Moment, "j M Y, h:i A"},
		{filter.PHP, "YYYY-MM-DDTHH:mm:ss", filter.Moment, `Y-m-d\TH:i:s`},
		{filter.PHP, "YYYY-MM-DD o", filter.Moment, ""},
		{filter.PHP, `YYYY\Y`, filter.Moment, ""},

		{filter.Strftime, "Y-m-d", filter.PHP, "%Y-%m-%d"},
		{filter.Strftime, "d/m/Y H:i:s", filter.PHP, "%d/%m/%Y %H:%M:%S"},
		{filter.Strftime, "j F Y, g:i A v P", filter.PHP, "%-d %B %Y, %-I:%M %p %L %:z"},
		{filter.Strftime, `\a\t H 50%`, filter.PHP, "at %H 50%%"},
		{filter.Strftime, "jS F", filter.PHP, ""},
		{filter.Strftime, "YYYY-MM-DD", filter.Moment, "%Y-%m-%d"},
		{filter.Strftime, "2006-01-02", filter.Go, "%Y-%m-%d"},
		{filter.Strftime, "Jan 2, 2006 3:04PM", filter.Go, "%b %-d, %Y %-I:%M%p"},

		// Nothing foreign.
		{filter.PHP, "Y-m-d", "", ""},
		{filter.PHP, "D, d M Y H:i:s", "", ""},
		{filter.PHP, `dd\Y\Y`, filter.Moment, ""},
		{filter.PHP, `\Y\Y\Y\Y Y`, "", ""},
		{filter.PHP, "100% Y", "", ""},
		{filter.PHP, "--", "", ""},
		{filter.PHP, "", "", ""},
		{filter.Strftime, "%Y-%m-%d", "", ""},
		{filter.Strftime, "%YYYY", "", ""},
		{filter.Strftime, "%i", "", ""},
		{filter.Strftime, "é - ?", "", ""},
	}
	for _, tt := range tests {
		other, inOwn := tt.own.Foreign(tt.pattern)
		require.Equal(t, tt.other, other, tt.pattern)
		require.Equal(t, tt.inOwn, inOwn, tt.pattern)
		if inOwn != "" {
			other, _ = tt.own.Foreign(inOwn)
			require.Empty(t, other, "%s: %s", tt.pattern, inOwn)
			_, err := filter.Compile(map[filter.Letters]string{filter.PHP: "date_format", filter.Strftime: "date"}[tt.own], literals(inOwn))
			require.NoError(t, err)
		}
	}
}

// What is suggested writes the same as the pattern in its own language.
func TestLetters_ForeignSame(t *testing.T) {
	t.Parallel()
	at := field.Text("2021-04-09 16:07:09.012+05:30")
	write := func(name, pattern string) string {
		out, err := compile(t, name, pattern).Apply(at)
		require.NoError(t, err)
		return out.Text
	}
	for _, php := range []string{
		"Y-m-d", "j.n.y", "D, d M Y", "l F", "H:i:s", "G:i", "g:i a", "h:i A", "v u", "O P U", `\Y\e\a\r: Y`, "N w W o", "%Y 50%",
	} {
		_, strftime := filter.Strftime.Foreign(php)
		if php == "%Y 50%" {
			continue
		}
		require.NotEmpty(t, strftime, php)
		require.Equal(t, write("date_format", php), write("date", strftime), php)
		_, again := filter.PHP.Foreign(strftime)
		require.Equal(t, write("date", strftime), write("date_format", again), strftime)
	}
}

func TestLetters_Zoned(t *testing.T) {
	t.Parallel()
	for pattern, want := range map[string]string{
		"c": "c", "Y P": "P", "YO": "O", `\cU`: "U", "e": "e", "T": "T", "Z": "Z", "r": "r", "Y-m-d H:i:s": "", `\c\P`: "", "": "",
	} {
		require.Equal(t, want, filter.PHP.Zoned(pattern), pattern)
	}
	for pattern, want := range map[string]string{
		"%F %z": "%z", "%:z": "%z", "%Z": "%Z", "%s": "%s", "%+": "%+", "%F %T %%z": "", "c": "", "%": "",
	} {
		require.Equal(t, want, filter.Strftime.Zoned(pattern), pattern)
	}
	require.True(t, filter.HasNoZone(field.Text("2021-04-09 16:27:39")))
	require.True(t, filter.HasNoZone(field.Text("2021-04-09")))
	for _, v := range []field.Value{field.Text("2021-04-09T16:27:39Z"), field.Text("x"), field.Text(""), field.Number("1617985659"), field.Null} {
		require.False(t, filter.HasNoZone(v))
	}
	require.True(t, filter.PHP.IsFixed("- -"))
	require.True(t, filter.PHP.IsFixed(`\Y`))
	require.False(t, filter.PHP.IsFixed("d"))
	require.False(t, filter.PHP.IsFixed(""))
	require.True(t, filter.Strftime.IsFixed("d/m"))
	require.False(t, filter.Strftime.IsFixed("%d"))
}
