package timeform_test

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook/internal/timeform"
)

func TestParse(t *testing.T) {
	t.Parallel()
	loc := time.FixedZone("here", 5*3600)
	tests := []struct {
		text string
		form timeform.Form
		want string // RFC 3339; a Local time with loc's offset
	}{
		{"2019-11-09", timeform.Local, "2019-11-09T00:00:00+05:00"},
		{"2019-11-09 16:00", timeform.Local, "2019-11-09T16:00:00+05:00"},
		{"2019-11-09  16:00:01", timeform.Local, "2019-11-09T16:00:01+05:00"},
		{"2019-11-09T16:00", timeform.Local, "2019-11-09T16:00:00+05:00"},
		{" 2019-11-09 16:00:01\n", timeform.Local, "2019-11-09T16:00:01+05:00"},
		{"2019-11-09T16:00:01.25", timeform.Local, "2019-11-09T16:00:01.25+05:00"},
		{"2019-11-09T16:00:01,1234567899", timeform.Local, "2019-11-09T16:00:01.123456789+05:00"},
		{"2024-02-29 23:59:59", timeform.Local, "2024-02-29T23:59:59+05:00"},

		{"2019-11-09T16:00:00Z", timeform.Instant, "2019-11-09T16:00:00Z"},
		{"2019-11-09t16:00:00z", timeform.Instant, "2019-11-09T16:00:00Z"},
		{"2021-06-18T14:48:06.886358Z", timeform.Instant, "2021-06-18T14:48:06.886358Z"},
		{"2019-11-09 16:00Z", timeform.Instant, "2019-11-09T16:00:00Z"},
		{"2019-11-09T16:00:00.000+0530", timeform.Instant, "2019-11-09T16:00:00+05:30"},
		{"2019-11-09T16:00:00.000+0000", timeform.Instant, "2019-11-09T16:00:00Z"},
		{"2019-11-09 16:00:00+0530", timeform.Instant, "2019-11-09T16:00:00+05:30"},
		{"2019-11-09 16:00:00+05:30", timeform.Instant, "2019-11-09T16:00:00+05:30"},
		{"2019-11-09 16:00:00-03", timeform.Instant, "2019-11-09T16:00:00-03:00"},
		{"2019-11-09T16:00:00 +0530", timeform.Instant, "2019-11-09T16:00:00+05:30"},
		{"2019-11-09 16:00:00 -0330", timeform.Instant, "2019-11-09T16:00:00-03:30"},
		{"2026-06-24 06:00:00 UTC", timeform.Instant, "2026-06-24T06:00:00Z"},
		{"2026-06-24 06:00:00 GMT", timeform.Instant, "2026-06-24T06:00:00Z"},

		// What Go prints.
		{"2019-11-09 16:00:00.5 +0530 IST", timeform.Instant, "2019-11-09T16:00:00.5+05:30"},
		{"2019-11-09 16:00:00 +0000 UTC", timeform.Instant, "2019-11-09T16:00:00Z"},
		{"2019-11-09 16:00:00 -0300 -03", timeform.Instant, "2019-11-09T16:00:00-03:00"},
		{"2019-11-09 16:00:00 +0530 +0530", timeform.Instant, "2019-11-09T16:00:00+05:30"},
		{"2019-11-09 16:00:00.1 +0100 CET m=+0.000123456", timeform.Instant, "2019-11-09T16:00:00.1+01:00"},
		{"2019-11-09 16:00:00 +0100 CET m=-1.5", timeform.Instant, "2019-11-09T16:00:00+01:00"},

		// Mails and HTTP.
		{"Fri, 17 Nov 2023 22:03:54 GMT", timeform.Instant, "2023-11-17T22:03:54Z"},
		{"Fri, 17 Nov 2023 22:03:54 +0000", timeform.Instant, "2023-11-17T22:03:54Z"},
		{"fri, 17 nov 2023 22:03 -0500", timeform.Instant, "2023-11-17T22:03:00-05:00"},
		{"7 Nov 2023 22:03:54 PDT", timeform.Instant, "2023-11-07T22:03:54-07:00"},
		{"07 Nov 2023 22:03:54 +0530 (IST)", timeform.Instant, "2023-11-07T22:03:54+05:30"},

		// Since 1970.
		{"100000000", timeform.Instant, "1973-03-03T14:46:40+05:00"},
		{"1617985659", timeform.Instant, "2021-04-09T21:27:39+05:00"},
		{"1617985659.25", timeform.Instant, "2021-04-09T21:27:39.25+05:00"},
		{"9999999999", timeform.Instant, "2286-11-20T22:46:39+05:00"},
		{"1617985659123", timeform.Instant, "2021-04-09T21:27:39.123+05:00"},
		{"1617985659123.5", timeform.Instant, "2021-04-09T21:27:39.1235+05:00"},
		{"1617985659123456", timeform.Instant, "2021-04-09T21:27:39.123456+05:00"},
		{"1617985659123456.789", timeform.Instant, "2021-04-09T21:27:39.123456789+05:00"},

		{"", timeform.None, ""},
		{"  ", timeform.None, ""},
		{"0", timeform.None, ""},
		{"0000-00-00", timeform.None, ""},
		{"0000-00-00 00:00:00", timeform.None, ""},
		{"0000-00-00T00:00:00.000Z", timeform.None, ""},
		{"0001-01-01", timeform.None, ""},
		{"0001-01-01 00:00:00", timeform.None, ""},
		{"0001-01-01T00:00:00Z", timeform.None, ""},
		{"0001-01-01T00:00:00.000000Z", timeform.None, ""},
		{"0001-01-01T00:00:00+05:30", timeform.None, ""},
		{"0001-01-01 00:00:00 +0000 UTC", timeform.None, ""},
		{"0000-12-31 19:03:58 -0456 LMT", timeform.None, ""},
		{"Mon, 01 Jan 0001 00:00:00 GMT", timeform.None, ""},
	}
	for _, tt := range tests {
		at, form := timeform.Parse(tt.text, loc)
		require.Equal(t, tt.form, form, tt.text)
		if tt.want == "" {
			require.Zero(t, at, tt.text)
			continue
		}
		require.Equal(t, tt.want, at.Format(time.RFC3339Nano), tt.text)
		if form == timeform.Local {
			require.Same(t, loc, at.Location())
		}
	}
	at, _ := timeform.Parse("2019-11-09T16:00:00+00:00", loc)
	require.Same(t, time.UTC, at.Location())
}

func TestParse_Unknown(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"-", "x", "tomorrow", "None", "null", "NA", "false", "2021", "2021-04", "2021-13-01", "2021-02-30", "2021-02-00",
		"0000-01-01", "2021-04-09x16:27:39", "2021-04-09 16", "2021-04-09 24:00:00", "2021-04-09 16:60",
		"2021-04-09 16:27:60", "2021-04-09 16:27:39 ?", "2021-04-09 16:27:39.", "2021-04-09T16:27:39+99:99",
		"2021-04-09T16:27:39+24:00", "2021-04-09T16:27:39+5:30", "2021-04-09T16:27:39+05:", "2021-04-09T16:27:39+053",
		"2021-04-09 16:27:39 IST", "2021-04-09 16:27:39 utc", "2021-04-09T16:27:39UTC", "2021-04-09T 16:27:39",
		"2021-04-09 16:27:39 +0530 IST x", "2021-04-09 16:27:39 +0530 IST m=x", "2021-04-09 16:27:39 +0530 I5T", "2021-4-9",
		"2021/04/09", "09/04/2021", "00-00-0000", "16:27:39", "00:00:12",
		"Thu, 17 Nov 2023 22:03:54 GMT", "Fri 17 Nov 2023 22:03:54 GMT", "Fri, 17 Nov 23 22:03:54 GMT", "Fri, 17 Nov 2023",
		"Fri, 17 Nov 2023 22:03:54", "Fri, 17 Nov 2023 22:03:54 IST", "Fri, 31 Nov 2023 22:03:54 GMT", "17 Now 2023 22:03:54 GMT",
		"Fri, 17 Nov 2023 22:03:54 GMT (a", "Fri, 17 Nov 2023 22:03:54 GMT x",
		// Dates without signs, and numbers of any other length.
		"20210409", "202104091627", "20210409162739", "20210409162739123", "12345", "99999999", "10000000000", "253402300799",
		"+1617985659", "-1617985659", "99999999999999999999", "1e3", "1.617985659e9", "1617985659.", "1617985659.5x", "1.5",
		"0161798565", "000000000", "1617985659123456789",
	} {
		at, form := timeform.Parse(text, time.UTC)
		require.Equal(t, timeform.Unknown, form, text)
		require.Zero(t, at, text)
	}
}

// Package time is the oracle: what it writes is read back.
func TestParse_Oracle(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	for range 2_000 {
		offset := (r.IntN(27*4) - 12*4) * 15 * 60
		at := time.Unix(r.Int64N(9e9)+1e9, 0).In(time.FixedZone("", offset))
		for _, layout := range []string{
			time.RFC3339, "2006-01-02 15:04:05Z07:00", "2006-01-02T15:04:05Z0700", "2006-01-02 15:04:05 -0700",
			"2006-01-02 15:04:05 -0700 MST", time.RFC1123Z, "2 Jan 2006 15:04:05 -0700",
		} {
			text := at.Format(layout)
			got, form := timeform.Parse(text, time.UTC)
			require.Equal(t, timeform.Instant, form, text)
			require.True(t, at.Equal(got), "%s: %s", text, got)
			_, gotOffset := got.Zone()
			require.Equal(t, offset, gotOffset, text)
		}
		got, form := timeform.Parse(at.UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT"), time.UTC)
		require.Equal(t, timeform.Instant, form)
		require.True(t, at.Equal(got))
		for _, n := range []int64{at.Unix(), at.UnixMilli(), at.UnixMicro()} {
			got, form = timeform.Parse(strconv.FormatInt(n, 10), time.UTC)
			require.Equal(t, at.Unix() < 1e10, form == timeform.Instant, n)
			require.True(t, form == timeform.Unknown || at.Equal(got), n)
		}
	}
}

// Whatever is read as RFC 3339 by package time has the same meaning here.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"2021-06-18T14:48:06.886358Z", "2021-04-09 16:27:39", "2021-04-09T16:27:39+05:30", "Fri, 17 Nov 2023 22:03:54 GMT",
		"2019-11-09 16:00:00 +0530 IST m=+0.1", "1617985659123", "0000-00-00", "",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, form := timeform.Parse(s, time.UTC)
		if form == timeform.Unknown || form == timeform.None {
			require.Zero(t, got)
		}
		if form == timeform.Instant || form == timeform.Local {
			require.True(t, got.Year() >= 1 && got.Year() <= 9999, got)
			again, _ := timeform.Parse(got.Format("2006-01-02T15:04:05.999999999Z07:00"), time.UTC)
			require.True(t, got.Equal(again), "%s: %s, %s", s, got, again)
		}
		// Package time also takes hours of one digit, and offsets of a day.
		want, err := time.Parse(time.RFC3339, s)
		if err != nil || strings.IndexByte(s, ':') != 13 || form == timeform.None || want.Year() < 1 {
			return
		}
		if i := strings.LastIndexAny(s, "+-"); i > 10 && s[i+1:] >= "24" || strings.HasSuffix(s, ":60") {
			return
		}
		require.Equal(t, timeform.Instant, form, s)
		require.True(t, want.Equal(got), "%s: %s", s, got)
	})
}

func TestParse_Allocs(t *testing.T) { //nolint:paralleltest // counts the allocations of the process
	for text, most := range map[string]float64{
		"2021-04-09 16:27:39": 0, "2021-06-18T14:48:06.886358Z": 0, "1617985659": 0, "Fri, 17 Nov 2023 22:03:54 GMT": 0,
		"tomorrow": 0, "2021-04-09T16:27:39+05:45": 3,
	} {
		allocs := testing.AllocsPerRun(100, func() { _, _ = timeform.Parse(text, time.UTC) })
		require.LessOrEqual(t, allocs, most, text)
	}
}
