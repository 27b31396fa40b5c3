package filter_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook/internal/field"
	"github.com/ringhook/webhook/internal/filter"
)

func TestDateFormat(t *testing.T) {
	t.Parallel()
	check(t, []row{
		// The platform's example.
		{"date_format", args{"d/m/Y"}, `"2021-04-09 16:27:39"`, `"09/04/2021"`},

		{"date_format", args{`\d\a\y jS \o\f F \\`}, `"2021-04-01"`, `"day 1st of April \\"`},
		{"date_format", args{"jS"}, `"2021-04-02"`, `"2nd"`},
		{"date_format", args{"jS"}, `"2021-04-03"`, `"3rd"`},
		{"date_format", args{"jS"}, `"2021-04-11"`, `"11th"`},
		{"date_format", args{"jS"}, `"2021-04-12"`, `"12th"`},
		{"date_format", args{"jS"}, `"2021-04-22"`, `"22nd"`},
		{"date_format", args{"N w"}, `"2021-04-11"`, `"7 0"`},
		{"date_format", args{"t L"}, `"2024-02-01"`, `"29 1"`},
		{"date_format", args{"t L"}, `"1900-02-01"`, `"28 0"`},
		{"date_format", args{"Y y"}, `"0907-02-01"`, `"0907 07"`},
		{"date_format", args{"g:i A"}, `"2021-04-09 00:00:00"`, `"12:00 AM"`},
		{"date_format", args{"é\\"}, `"2021-04-09"`, `"é\\"`},
		{"date_format", args{""}, `"2021-04-09"`, `""`},

		// The formats of times that platforms send.
		{"date_format", args{"d.m.Y H:i:s.v P"}, `"2021-06-18T14:48:06.886358Z"`, `"18.06.2021 14:48:06.886 +00:00"`},
		{"date_format", args{"d.m.Y H:i:s.v"}, `"2013-12-23T11:11:40.030"`, `"23.12.2013 11:11:40.030"`},
		{"date_format", args{"H:i P"}, `"2021-04-09 16:27:39+05:30"`, `"16:27 +05:30"`},
		{"date_format", args{"H:i P"}, `"2021-04-09 16:27:39 -0330"`, `"16:27 -03:30"`},
		{"date_format", args{"H:i P"}, `"2021-04-09T16:27:39+0530"`, `"16:27 +05:30"`},
		{"date_format", args{"H:i"}, `" 2021-04-09 16:27:39 "`, `"16:27"`},
		{"date_format", args{"c"}, `1617985659`, `"2021-04-09T16:27:39+00:00"`},
		{"date_format", args{"c"}, `"1617985659"`, `"2021-04-09T16:27:39+00:00"`},
		{"date_format", args{"Y-m-d\\TH:i:s.u"}, `1617985659123`, `"2021-04-09T16:27:39.123000"`},
		{"date_format", args{"H:i:s"}, `1617985659.5`, `"16:27:39"`},
		{"date_format", args{"c"}, `"Fri, 17 Nov 2023 22:03:54 GMT"`, `"2023-11-17T22:03:54+00:00"`},
		{"date_format", args{"H:i"}, `"2019-11-09 16:00"`, `"16:00"`},
		{"date_format", args{"Y"}, `"100000000"`, `"1973"`},

		// No time.
		{"date_format", args{"d/m/Y"}, `""`, `""`},
		{"date_format", args{"d/m/Y"}, `null`, `""`},
		{"date_format", args{"d/m/Y"}, `"0000-00-00 00:00:00"`, `""`},
		{"date_format", args{"d/m/Y"}, `"0000-00-00"`, `""`},
		{"date_format", args{"d/m/Y"}, `"0"`, `""`},
		{"date_format", args{"d/m/Y"}, `0`, `""`},
		{"date_format", args{"d/m/Y"}, `"0001-01-01T00:00:00Z"`, `""`},

		// A time with a zone is converted; a wall clock stays.
		{"date_format", args{"d H:i e T O I", "Asia/Kolkata"}, `"2021-06-18T20:48:06Z"`, `"19 02:18 Asia/Kolkata IST +0530 0"`},
		{"date_format", args{"H:i T I", "Europe/Berlin"}, `"2021-06-18T20:48:06+05:30"`, `"17:18 CEST 1"`},
		{"date_format", args{"H:i T U", "Asia/Kolkata"}, `"2021-04-09 16:27:39"`, `"16:27 IST 1617965859"`},
		{"date_format", args{"H:i e", "Asia/Kolkata"}, `1617965859`, `"16:27 Asia/Kolkata"`},
		{"date_format", args{"H:i e", "UTC"}, `"2021-04-09T16:27:39+05:30"`, `"10:57 UTC"`},
	})
}

// What PHP 8.2 writes: date_create(time)->setTimezone(zone)->format(all).
func TestDateFormat_PHP(t *testing.T) {
	t.Parallel()
	const all = "d D j l N S w z|W F m M n t L o Y y|a A B g G h H i s u v|e I O p P T Z|c|r|U"
	tests := []struct{ in, zone, want string }{
		{`"2021-04-09 16:27:39"`, "", `"09 Fri 9 Friday 5 th 5 98|14 April 04 Apr 4 30 0 2021 2021 21|pm PM 727 4 16 04 16 27 39 000000 000|UTC 0 +0000 Z +00:00 UTC 0|2021-04-09T16:27:39+00:00|Fri, 09 Apr 2021 16:27:39 +0000|1617985659"`},
		{`"2024-12-30T00:05:06.030400+05:30"`, "", `"30 Mon 30 Monday 1 th 1 364|01 December 12 Dec 12 31 1 2025 2024 24|am AM 816 12 0 12 00 05 06 030400 030|+05:30 0 +0530 +05:30 +05:30 GMT+0530 19800|2024-12-30T00:05:06+05:30|Mon, 30 Dec 2024 00:05:06 +0530|1735497306"`},
		{`"1999-12-31 23:59:59"`, "", `"31 Fri 31 Friday 5 st 5 364|52 December 12 Dec 12 31 0 1999 1999 99|pm PM 041 11 23 11 23 59 59 000000 000|UTC 0 +0000 Z +00:00 UTC 0|1999-12-31T23:59:59+00:00|Fri, 31 Dec 1999 23:59:59 +0000|946684799"`},
		{`"2000-02-29 12:00:00.999999"`, "", `"29 Tue 29 Tuesday 2 th 2 59|09 February 02 Feb 2 29 1 2000 2000 00|pm PM 541 12 12 12 12 00 00 999999 999|UTC 0 +0000 Z +00:00 UTC 0|2000-02-29T12:00:00+00:00|Tue, 29 Feb 2000 12:00:00 +0000|951825600"`},
		{`"2026-01-01 00:00:00"`, "", `"01 Thu 1 Thursday 4 st 4 0|01 January 01 Jan 1 31 0 2026 2026 26|am AM 041 12 0 12 00 00 00 000000 000|UTC 0 +0000 Z +00:00 UTC 0|2026-01-01T00:00:00+00:00|Thu, 01 Jan 2026 00:00:00 +0000|1767225600"`},
		{`"1900-03-01 01:02:03"`, "", `"01 Thu 1 Thursday 4 st 4 59|09 March 03 Mar 3 31 0 1900 1900 00|am AM 084 1 1 01 01 02 03 000000 000|UTC 0 +0000 Z +00:00 UTC 0|1900-03-01T01:02:03+00:00|Thu, 01 Mar 1900 01:02:03 +0000|-2203887477"`},
		{`"0907-02-01 13:00:00"`, "", `"01 Tue 1 Tuesday 2 st 2 31|05 February 02 Feb 2 28 0 907 0907 07|pm PM 583 1 13 01 13 00 00 000000 000|UTC 0 +0000 Z +00:00 UTC 0|0907-02-01T13:00:00+00:00|Tue, 01 Feb 0907 13:00:00 +0000|-33542334000"`},
		{`"2021-01-03T11:00:00-03:30"`, "", `"03 Sun 3 Sunday 7 rd 0 2|53 January 01 Jan 1 31 0 2020 2021 21|am AM 645 11 11 11 11 00 00 000000 000|-03:30 0 -0330 -03:30 -03:30 GMT-0330 -12600|2021-01-03T11:00:00-03:30|Sun, 03 Jan 2021 11:00:00 -0330|1609684200"`},
		{`"2021-06-18 14:48:06.886358+00:00"`, "Asia/Kolkata", `"18 Fri 18 Friday 5 th 5 168|24 June 06 Jun 6 30 0 2021 2021 21|pm PM 658 8 20 08 20 18 06 886358 886|Asia/Kolkata 0 +0530 +05:30 +05:30 IST 19800|2021-06-18T20:18:06+05:30|Fri, 18 Jun 2021 20:18:06 +0530|1624027686"`},
		{`"2021-06-18 20:48:06+05:30"`, "Europe/Berlin", `"18 Fri 18 Friday 5 th 5 168|24 June 06 Jun 6 30 0 2021 2021 21|pm PM 679 5 17 05 17 18 06 000000 000|Europe/Berlin 1 +0200 +02:00 +02:00 CEST 7200|2021-06-18T17:18:06+02:00|Fri, 18 Jun 2021 17:18:06 +0200|1624029486"`},
		{`"2021-12-18 20:48:06+05:30"`, "Europe/London", `"18 Sat 18 Saturday 6 th 6 351|50 December 12 Dec 12 31 0 2021 2021 21|pm PM 679 3 15 03 15 18 06 000000 000|Europe/London 0 +0000 +00:00 +00:00 GMT 0|2021-12-18T15:18:06+00:00|Sat, 18 Dec 2021 15:18:06 +0000|1639840686"`},
		{`"2021-07-01 00:00:00 UTC"`, "America/New_York", `"30 Wed 30 Wednesday 3 th 3 180|26 June 06 Jun 6 30 0 2021 2021 21|pm PM 041 8 20 08 20 00 00 000000 000|America/New_York 1 -0400 -04:00 -04:00 EDT -14400|2021-06-30T20:00:00-04:00|Wed, 30 Jun 2021 20:00:00 -0400|1625097600"`},
		{`"2021-11-07 06:30:00 UTC"`, "America/New_York", `"07 Sun 7 Sunday 7 th 0 310|44 November 11 Nov 11 30 0 2021 2021 21|am AM 312 1 1 01 01 30 00 000000 000|America/New_York 0 -0500 -05:00 -05:00 EST -18000|2021-11-07T01:30:00-05:00|Sun, 07 Nov 2021 01:30:00 -0500|1636266600"`},
		{`"2021-04-09 16:27:39 UTC"`, "America/Sao_Paulo", `"09 Fri 9 Friday 5 th 5 98|14 April 04 Apr 4 30 0 2021 2021 21|pm PM 727 1 13 01 13 27 39 000000 000|America/Sao_Paulo 0 -0300 -03:00 -03:00 -03 -10800|2021-04-09T13:27:39-03:00|Fri, 09 Apr 2021 13:27:39 -0300|1617985659"`},
		{`"1617985659"`, "Pacific/Kiritimati", `"10 Sat 10 Saturday 6 th 6 99|14 April 04 Apr 4 30 0 2021 2021 21|am AM 727 6 6 06 06 27 39 000000 000|Pacific/Kiritimati 0 +1400 +14:00 +14:00 +14 50400|2021-04-10T06:27:39+14:00|Sat, 10 Apr 2021 06:27:39 +1400|1617985659"`},
		{`"1617985659"`, "Asia/Kathmandu", `"09 Fri 9 Friday 5 th 5 98|14 April 04 Apr 4 30 0 2021 2021 21|pm PM 727 10 22 10 22 12 39 000000 000|Asia/Kathmandu 0 +0545 +05:45 +05:45 +0545 20700|2021-04-09T22:12:39+05:45|Fri, 09 Apr 2021 22:12:39 +0545|1617985659"`},
	}
	for _, tt := range tests {
		arguments := args{all}
		if tt.zone != "" {
			arguments = append(arguments, tt.zone)
		}
		check(t, []row{{"date_format", arguments, tt.in, tt.want}})
	}
	check(t, []row{
		{"date_format", args{`\Y\e\a\r Y`}, `"2021-04-09 16:27:39"`, `"Year 2021"`},
		{"date_format", args{`jS \o\f F Y`}, `"2021-04-09 16:27:39"`, `"9th of April 2021"`},
		{"date_format", args{`d\\m`}, `"2021-04-09 16:27:39"`, `"09\\04"`},
		{"date_format", args{`d.m.Y, H:i'é'`}, `"2021-04-09 16:27:39"`, `"09.04.2021, 16:27'é'"`},
		{"date_format", args{`l, j-M-y g:i A`}, `"2021-04-09 16:27:39"`, `"Friday, 9-Apr-21 4:27 PM"`},
	})
}

func TestDateFormat_NoTime(t *testing.T) {
	t.Parallel()
	f := compile(t, "date_format", "d/m/Y")
	for _, text := range []string{
		"-", "x", "tomorrow", "None", "2021", "2021-04", "2021-13-01", "0000-01-01", "2021-04-09 25:00:00",
		"2021-04-09 16:27:39 ?", "20210409", "12345", "253402300799", "-1617985659", "1e3",
	} {
		_, err := f.Apply(field.Text(text))
		require.EqualError(t, err, "date_format: the value is not a time", text)
	}
}

// Only the names of IANA's zones are zones: a host has all of them a second time below posix,
// and below right with leap seconds, and files beside them that are none.
func TestDateFormat_Zones(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"UTC", "Asia/Kolkata", "America/Port-au-Prince", "America/North_Dakota/New_Salem", "Etc/GMT+5", "EST5EDT", "GB-Eire",
	} {
		_, err := filter.Compile("date_format", literals("Y", name))
		require.NoError(t, err, name)
	}
	for _, name := range []string{
		"", "Local", "localtime", "posixrules", "posix/Asia/Kolkata", "right/Asia/Kolkata", "Asia", "Asia/", "/Asia/Kolkata",
		"Asia//Kolkata", "Asia/../Asia/Kolkata", "Asia/./Kolkata", "asia/kolkata", "Asia/kolkata", "zone.tab", "IST", "+05:30",
		"Asia/Kolkata\x00", "Asia\\Kolkata", "Asia/Calcutt\u00e1",
	} {
		_, err := filter.Compile("date_format", literals("Y", name))
		require.EqualError(t, err, "date_format: argument 2 is not a known time zone, such as 'Asia/Kolkata' or 'UTC'", name)
	}
}

// Each letter has a meaning or is refused: none is written unchanged.
func TestDateFormat_Letters(t *testing.T) {
	t.Parallel()
	accepted := ""
	for c := 'A'; c <= 'z'; c++ {
		if c > 'Z' && c < 'a' {
			continue
		}
		if _, err := filter.Compile("date_format", literals(string(c))); err == nil {
			accepted += string(c)
		}
	}
	require.Equal(t, "ABDFGHILMNOPSTUWYZacdeghijlmnoprstuvwyz", accepted)
}
