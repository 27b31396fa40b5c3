package filter_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook/internal/filter"
)

// What GNU date writes for the letters that it has in common with Ruby.
func TestDate_GNU(t *testing.T) {
	t.Parallel()
	const (
		all = "%Y|%C|%y|%m|%B|%b|%h|%d|%e|%j|%H|%k|%I|%l|%M|%S|%N|%3N|%6N|" +
			"%z|%:z|%::z|%Z|%A|%a|%p|%P|%u|%w|%G|%g|%V|%U|%W|%s|%%|%c|%D|%F|%x|%X|%r|%R|%T"
		flags = "%-d|%-m|%_m|%05d|%^B|%^a|%#B|%#p|%10B|%-H|%_H|%010Y|%-I|%-j|%_j|%e|%-e|%0e|%^10b|%_5S|%10p"
	)
	tests := []struct{ layout, in, zone, want string }{
		{all, `"2021-04-09 16:27:39"`, "", `"2021|20|21|04|April|Apr|Apr|09| 9|099|16|16|04| 4|27|39|000000000|000|000000|+0000|+00:00|+00:00:00|UTC|Friday|Fri|PM|pm|5|5|2021|21|14|14|14|1617985659|%|Fri Apr  9 16:27:39 2021|04/09/21|2021-04-09|04/09/21|16:27:39|04:27:39 PM|16:27|16:27:39"`},
		{all, `"2024-12-30 00:05:06.0304"`, "", `"2024|20|24|12|December|Dec|Dec|30|30|365|00| 0|12|12|05|06|030400000|030|030400|+0000|+00:00|+00:00:00|UTC|Monday|Mon|AM|am|1|1|2025|25|01|52|53|1735517106|%|Mon Dec 30 00:05:06 2024|12/30/24|2024-12-30|12/30/24|00:05:06|12:05:06 AM|00:05|00:05:06"`},
		{all, `"2023-01-01 12:00:00"`, "", `"2023|20|23|01|January|Jan|Jan|01| 1|001|12|12|12|12|00|00|000000000|000|000000|+0000|+00:00|+00:00:00|UTC|Sunday|Sun|PM|pm|7|0|2022|22|52|01|00|1672574400|%|Sun Jan  1 12:00:00 2023|01/01/23|2023-01-01|01/01/23|12:00:00|12:00:00 PM|12:00|12:00:00"`},
		{all, `"2021-01-03 09:05:06 UTC"`, "Asia/Kolkata", `"2021|20|21|01|January|Jan|Jan|03| 3|003|14|14|02| 2|35|06|000000000|000|000000|+0530|+05:30|+05:30:00|IST|Sunday|Sun|PM|pm|7|0|2020|20|53|01|00|1609664706|%|Sun Jan  3 14:35:06 2021|01/03/21|2021-01-03|01/03/21|14:35:06|02:35:06 PM|14:35|14:35:06"`},
		{all, `"2000-02-29 23:59:59.999999999 UTC"`, "America/New_York", `"2000|20|00|02|February|Feb|Feb|29|29|060|18|18|06| 6|59|59|999999999|999|999999|-0500|-05:00|-05:00:00|EST|Tuesday|Tue|PM|pm|2|2|2000|00|09|09|09|951868799|%|Tue Feb 29 18:59:59 2000|02/29/00|2000-02-29|02/29/00|18:59:59|06:59:59 PM|18:59|18:59:59"`},
		{all, `"1999-12-31 01:02:03"`, "", `"1999|19|99|12|December|Dec|Dec|31|31|365|01| 1|01| 1|02|03|000000000|000|000000|+0000|+00:00|+00:00:00|UTC|Friday|Fri|AM|am|5|5|1999|99|52|52|52|946602123|%|Fri Dec 31 01:02:03 1999|12/31/99|1999-12-31|12/31/99|01:02:03|01:02:03 AM|01:02|01:02:03"`},
		{all, `"2026-11-29 23:00:00 UTC"`, "Asia/Dubai", `"2026|20|26|11|November|Nov|Nov|30|30|334|03| 3|03| 3|00|00|000000000|000|000000|+0400|+04:00|+04:00:00|+04|Monday|Mon|AM|am|1|1|2026|26|49|48|48|1795993200|%|Mon Nov 30 03:00:00 2026|11/30/26|2026-11-30|11/30/26|03:00:00|03:00:00 AM|03:00|03:00:00"`},
		{flags, `"2021-04-09 16:27:39"`, "", `"9|4| 4|00009|APRIL|FRI|APRIL|pm|     April|16|16|0000002021|4|99| 99| 9|9|09|       APR|   39|        PM"`},
		{flags, `"2024-12-30 00:05:06.0304"`, "", `"30|12|12|00030|DECEMBER|MON|DECEMBER|am|  December|0| 0|0000002024|12|365|365|30|30|30|       DEC|    6|        AM"`},
		{flags, `"2023-01-01 12:00:00"`, "", `"1|1| 1|00001|JANUARY|SUN|JANUARY|pm|   January|12|12|0000002023|12|1|  1| 1|1|01|       JAN|    0|        PM"`},
		{flags, `"2021-01-03 09:05:06 UTC"`, "Asia/Kolkata", `"3|1| 1|00003|JANUARY|SUN|JANUARY|pm|   January|14|14|0000002021|2|3|  3| 3|3|03|       JAN|    6|        PM"`},
		{flags, `"2000-02-29 23:59:59.999999999 UTC"`, "America/New_York", `"29|2| 2|00029|FEBRUARY|TUE|FEBRUARY|pm|  February|18|18|0000002000|6|60| 60|29|29|29|       FEB|   59|        PM"`},
		{flags, `"1999-12-31 01:02:03"`, "", `"31|12|12|00031|DECEMBER|FRI|DECEMBER|am|  December|1| 1|0000001999|1|365|365|31|31|31|       DEC|    3|        AM"`},
		{flags, `"2026-11-29 23:00:00 UTC"`, "Asia/Dubai", `"30|11|11|00030|NOVEMBER|MON|NOVEMBER|am|  November|3| 3|0000002026|3|334|334|30|30|30|       NOV|    0|        AM"`},
	}
	for _, tt := range tests {
		arguments := args{tt.layout}
		if tt.zone != "" {
			arguments = append(arguments, tt.zone)
		}
		check(t, []row{{"date", arguments, tt.in, tt.want}})
	}
}

func TestDate(t *testing.T) {
	t.Parallel()
	check(t, []row{
		// Liquid's documented examples.
		{"date", args{"%a, %b %d, %y"}, `"2015-07-17T15:04:05Z"`, `"Fri, Jul 17, 15"`},
		{"date", args{"%Y"}, `"2015-07-17T15:04:05Z"`, `"2015"`},
		{"date", args{"%b %d, %y"}, `"2016-03-14"`, `"Mar 14, 16"`},
		{"date", args{"%Y-%m-%d %H:%M"}, `"2015-07-17T15:04:05Z"`, `"2015-07-17 15:04"`},

		// Ruby's own.
		{"date", args{"%L|%6L|%12N|%v|%+|%h"}, `"2021-04-09 16:27:39.0123"`, `"012|012300|012300000000| 9-APR-2021|Fri Apr  9 16:27:39 UTC 2021|Apr"`},
		{"date", args{"%Y%n%t%%"}, `"2021-04-09"`, `"2021\n\t%"`},
		{"date", args{"%Y %G"}, `"0907-02-01"`, `"0907 0907"`},
		{"date", args{"%Z%z"}, `"2021-04-09T16:27:39+05:30"`, `"+0530"`},
		{"date", args{"%#Z"}, `"2021-04-09 16:27:39 UTC"`, `"utc"`},
		{"date", args{"d/m/Y é"}, `"2021-04-09"`, `"d/m/Y é"`},
		{"date", args{""}, `"2021-04-09"`, `""`},

		// Times are those of date_format.
		{"date", args{"%F %T"}, `1617985659123`, `"2021-04-09 16:27:39"`},
		{"date", args{"%F %R", "Asia/Kolkata"}, `"2021-06-18T20:48:06Z"`, `"2021-06-19 02:18"`},
		{"date", args{"%F"}, `null`, `""`},
		{"date", args{"%F"}, `"0000-00-00 00:00:00"`, `""`},
	})
	for _, text := range []string{"now", "today", "tomorrow", "12,50"} {
		_, err := compile(t, "date", "%F").Apply(literals(text)[0])
		require.EqualError(t, err, "date: the value is not a time")
	}
}

func TestDate_Malformed(t *testing.T) {
	t.Parallel()
	for layout, want := range map[string]string{
		"%":        "ends inside a directive; to keep a % write %%",
		"%Y %-":    "ends inside a directive; to keep a % write %%",
		"%12":      "ends inside a directive; to keep a % write %%",
		"%Q":       "has %Q, which has no meaning; to keep a % write %%",
		"100% ok":  "has % , which has no meaning; to keep a % write %%",
		"%EY":      "has %E, which has no meaning; to keep a % write %%",
		"%é":       "has a % before a character that is no letter; to keep a % write %%",
		"%:Y":      "has %:Y, want %z, %:z or %::z",
		"%:::z":    "has %:::z, want %z, %:z or %::z",
		"%-z":      "has %-z, want %z, %:z or %::z",
		"%10z":     "has %10z, want %z, %:z or %::z",
		"%^c":      "has %^c, want %c",
		"%65d":     "has a width of more than 64",
		"%9999d":   "has a width of more than 64",
		"%Y\n":     "has a control character",
		"%Y\x7f":   "has a control character",
		"%Y\x00%m": "has a control character",
	} {
		_, err := filter.Compile("date", literals(layout))
		require.EqualError(t, err, "date: argument 1 "+want, layout)
	}
	_, err := filter.Compile("date", literals(5))
	require.EqualError(t, err, "date: argument 1 is a number, want a text")
	_, err = filter.Compile("date_format", literals("Y\n"))
	require.EqualError(t, err, "date_format: argument 1 has a control character")
}
