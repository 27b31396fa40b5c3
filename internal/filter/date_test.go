package filter_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook/internal/field"
	"github.com/ringhook/webhook/internal/filter"
)

func TestDateFormat(t *testing.T) {
	t.Parallel()
	const all = "d D j l N S w z|W F m M n t L o Y y|a A B g G h H i s u v|e I O p P T Z|c|r|U"
	check(t, []row{
		// The platform's example.
		{"date_format", args{"d/m/Y"}, `"2021-04-09 16:27:39"`, `"09/04/2021"`},

		// Every letter, as PHP 8 writes it.
		{
			"date_format",
			args{all},
			`"2021-04-09 16:27:39"`,
			`"09 Fri 9 Friday 5 th 5 98|14 April 04 Apr 4 30 0 2021 2021 21|pm PM 727 4 16 04 16 27 39 000000 000|` +
				`UTC 0 +0000 Z +00:00 UTC 0|2021-04-09T16:27:39+00:00|Fri, 09 Apr 2021 16:27:39 +0000|1617985659"`,
		},
		{
			"date_format",
			args{all},
			`"2024-12-30T00:05:06.0304+05:30"`,
			`"30 Mon 30 Monday 1 th 1 364|01 December 12 Dec 12 31 1 2025 2024 24|am AM 816 12 0 12 00 05 06 030400 030|` +
				`+05:30 0 +0530 +05:30 +05:30 +05:30 19800|2024-12-30T00:05:06+05:30|Mon, 30 Dec 2024 00:05:06 +0530|1735497306"`,
		},
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
		require.EqualError(t, err, "date_format: argument 2 is not a known time zone", name)
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
