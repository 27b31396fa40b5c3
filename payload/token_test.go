package payload_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/payload"
)

// readValue returns the value that is read from its JSON.
func readValue[T any](t testing.TB, raw string) (v T) {
	t.Helper()
	require.NoError(t, json.Unmarshal([]byte(raw), &v))
	return v
}

func TestPhone(t *testing.T) {
	t.Parallel()
	tests := []struct {
		raw, text, digits string
		ok                bool
	}{
		{`918068280011`, "918068280011", "918068280011", true},
		{`"918068280011"`, "918068280011", "918068280011", true},
		{`"+918068280011"`, "+918068280011", "918068280011", true},
		{`"007"`, "007", "007", true},
		{`99999999999999999999999`, "99999999999999999999999", "99999999999999999999999", true},
		{`"\u0031"`, "1", "1", true},
		{`"+"`, "+", "", false},
		{`"++1"`, "++1", "", false},
		{`"1 2"`, "1 2", "", false},
		{`"٣"`, "٣", "", false},
		{`9.18e11`, "9.18e11", "918000000000", true},
		{`9.18068280001e11`, "9.18068280001e11", "918068280001", true},
		{`918867130001.0`, "918867130001.0", "918867130001", true},
		{`"918867130001.0"`, "918867130001.0", "918867130001", true},
		{`"+91 80682-80001"`, "+91 80682-80001", "918068280001", true},
		{`"+91\u00a0(80) 68280001 "`, "+91\u00a0(80) 68280001 ", "918068280001", true},
		{`"00 91 8068280001"`, "00 91 8068280001", "918068280001", true},
		{`"0091 89195 20001"`, "0091 89195 20001", "918919520001", true},
		{`"00918919520001"`, "00918919520001", "918919520001", true},
		{`"+00918919520001"`, "+00918919520001", "00918919520001", true},
		{`"08012345678"`, "08012345678", "08012345678", true},
		{`"0000000000"`, "0000000000", "0000000000", true},
		{`"tel:+918867130001"`, "tel:+918867130001", "918867130001", true},
		{`"WhatsApp:+918867130001"`, "WhatsApp:+918867130001", "918867130001", true},
		{`918867130001.5`, "918867130001.5", "", false},
		{`-9.18e11`, "-9.18e11", "", false},
		{`9e99`, "9e99", "", false},
		{`1e-400`, "1e-400", "", false},
		{`"9.19E+11"`, "9.19E+11", "", false},
		{`"91886.7130001"`, "91886.7130001", "", false},
		{`"080.6828.0001"`, "080.6828.0001", "", false},
		{`"12-34"`, "12-34", "", false},
		{`"+91 80682 80001 80682 80001"`, "+91 80682 80001 80682 80001", "", false},
		{`"tel:"`, "tel:", "", false},
		{`"US.13491208655302741918"`, "US.13491208655302741918", "", false},
		{`"+91 80682-80001;ext=7"`, "+91 80682-80001;ext=7", "", false},
		{`-1`, "-1", "", false},
		{`"anonymous"`, "anonymous", "", false},
		{`""`, "", "", false},
		{`null`, "", "", false},
		{`true`, "true", "", false},
		{`[1, 2]`, "[1,2]", "", false},
	}
	for _, tt := range tests {
		t.Run(tt.raw, func(t *testing.T) {
			t.Parallel()
			p := readValue[payload.Phone](t, tt.raw)
			require.Equal(t, tt.text, p.String())
			digits, ok := p.Digits()
			require.Equal(t, tt.ok, ok)
			require.Equal(t, tt.digits, digits)
		})
	}
	require.Equal(t, `"+91\"<1>"`, marshal(t, payload.PhoneString(`+91"<1>`)))
	require.Equal(t, `18446744073709551615`, marshal(t, payload.PhoneNumber(math.MaxUint64)))
}

func TestInt(t *testing.T) {
	t.Parallel()
	tests := []struct {
		raw  string
		want int64
		ok   bool
	}{
		{`123`, 123, true},
		{`"123"`, 123, true},
		{`-5`, -5, true},
		{`0`, 0, true},
		{`9223372036854775807`, math.MaxInt64, true},
		{`"-9223372036854775808"`, math.MinInt64, true},
		{`9223372036854775808`, 0, false},
		{`1.0`, 1, true},
		{`1e3`, 1000, true},
		{`-1.20e1`, -12, true},
		{`1200e-2`, 12, true},
		{`0.0`, 0, true},
		{`-0`, 0, true},
		{`0e9`, 0, true},
		{`0.0120e+3`, 12, true},
		{`"12.0"`, 12, true},
		{`"12 "`, 12, true},
		{`1.5`, 0, false},
		{`12e-1`, 0, false},
		{`1e19`, 0, false},
		{`1e999999999`, 0, false},
		{`1e99999999999999999999`, 0, false},
		{`"1.2.0"`, 0, false},
		{`"12,0"`, 0, false},
		{`"1 2"`, 0, false},
		{`"0x10"`, 0, false},
		{`"1_000"`, 0, false},
		{`" 1"`, 1, true},
		{`""`, 0, false},
		{`null`, 0, false},
		{`true`, 0, false},
		{`{}`, 0, false},
	}
	for _, tt := range tests {
		t.Run(tt.raw, func(t *testing.T) {
			t.Parallel()
			got, ok := readValue[payload.Int](t, tt.raw).Int64()
			require.Equal(t, tt.ok, ok)
			require.Equal(t, tt.want, got)
		})
	}
	_, ok := payload.Int{}.Int64()
	require.False(t, ok)
	require.Equal(t, `-7`, marshal(t, payload.IntNumber(-7)))
	require.Equal(t, `"1617965859"`, marshal(t, payload.IntString(1617965859)))
}

func TestSeconds(t *testing.T) {
	t.Parallel()
	tests := []struct {
		raw  string
		want time.Duration
		ok   bool
	}{
		{`"23"`, 23 * time.Second, true},
		{`23`, 23 * time.Second, true},
		{`"0"`, 0, true},
		{`-1`, -time.Second, true},
		{`9223372036`, 9223372036 * time.Second, true},
		{`-9223372036`, -9223372036 * time.Second, true},
		{`9223372037`, 0, false},
		{`-9223372037`, 0, false},
		{`"00:00:12"`, 12 * time.Second, true},
		{`" 01:02:03 "`, time.Hour + 2*time.Minute + 3*time.Second, true},
		{`"100:00:00"`, 100 * time.Hour, true},
		{`"1:00:00"`, time.Hour, true},
		{`12.0`, 12 * time.Second, true},
		{`1.2e1`, 12 * time.Second, true},
		{`"12 "`, 12 * time.Second, true},
		{`1.5`, 0, false},
		{`"12.5"`, 0, false},
		{`"00:23"`, 0, false},
		{`"00:00:60"`, 0, false},
		{`"00:60:00"`, 0, false},
		{`"00:0:12"`, 0, false},
		{`"-1:00:00"`, 0, false},
		{`"+1:00:00"`, 0, false},
		{`"1:00:00:00"`, 0, false},
		{`"00:00:12.5"`, 0, false},
		{`"9999999:00:00"`, 0, false},
		{`["00:00:12"]`, 0, false},
		{`""`, 0, false},
		{`null`, 0, false},
	}
	for _, tt := range tests {
		t.Run(tt.raw, func(t *testing.T) {
			t.Parallel()
			got, ok := readValue[payload.Seconds](t, tt.raw).Duration()
			require.Equal(t, tt.ok, ok)
			require.Equal(t, tt.want, got)
		})
	}
	require.Equal(t, `"23"`, marshal(t, payload.SecondsString(23999*time.Millisecond)))
	require.Equal(t, `23`, marshal(t, payload.SecondsNumber(23999*time.Millisecond)))
	require.Equal(t, `"0"`, marshal(t, payload.SecondsString(0)))
}

func TestDecimal(t *testing.T) {
	t.Parallel()
	tests := []struct {
		raw, want string // want as a fraction; empty: none
	}{
		{`0.0150`, "3/200"},
		{`"0.0150"`, "3/200"},
		{`120363042969381234.5`, "240726085938762469/2"},
		{`-0`, "0/1"},
		{`1e3`, "1000/1"},
		{`1E-3`, "1/1000"},
		{`1e+3`, "1000/1"},
		{`1e100`, ""},
		{`1e999999999`, ""},
		{`1e-999999999`, ""},
		{`"1e99999999999999999999"`, ""},
		{strings.Repeat("9", 65), ""},
		{`"1/3"`, ""},
		{`"0x10"`, ""},
		{`"0,0150"`, ""},
		{`" 1"`, ""},
		{`"1 "`, ""},
		{`"+1"`, ""},
		{`".5"`, ""},
		{`"Inf"`, ""},
		{`"\"1\""`, ""},
		{`""`, ""},
		{`null`, ""},
		{`true`, ""},
		{`[1]`, ""},
	}
	for _, tt := range tests {
		t.Run(tt.raw, func(t *testing.T) {
			t.Parallel()
			d := readValue[payload.Decimal](t, tt.raw)
			require.Equal(t, tt.raw, marshal(t, d))
			r, ok := d.Rat()
			require.Equal(t, tt.want != "", ok)
			if ok {
				require.Equal(t, tt.want, r.String())
			}
		})
	}
}

func TestParseDecimal(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"0.0150", "120363042969381234.5", "-1", "1e999999999"} {
		d, err := payload.ParseDecimal(s)
		require.NoError(t, err)
		require.Equal(t, s, d.String())
		require.Equal(t, s, marshal(t, d))
	}
	for _, s := range []string{
		"", "x", "+1", ".5", "1.", "01", " 1", "1 ", "1\n", "1,5", "null", `"1"`, "[1]", "NaN", "1}",
	} {
		d, err := payload.ParseDecimal(s)
		require.EqualError(t, err, "payload: not a decimal number", s)
		require.True(t, d.IsZero())
	}
}

func TestTime(t *testing.T) {
	t.Parallel()
	berlin, err := time.LoadLocation("Europe/Berlin")
	require.NoError(t, err)
	tests := []struct {
		raw   string
		zoned bool
		want  string // in Berlin; empty: no time
	}{
		{`"2021-06-18T14:48:06.886358Z"`, true, "2021-06-18T16:48:06.886358+02:00"},
		{`"2021-06-18T14:48:06+05:30"`, true, "2021-06-18T11:18:06+02:00"},
		{`"2021-06-18 14:48:06+05:30"`, true, "2021-06-18T11:18:06+02:00"},
		{`"2021-06-18 14:48:06 +0530"`, true, "2021-06-18T11:18:06+02:00"},
		{`"2013-12-23T11:11:40.030"`, false, "2013-12-23T11:11:40.03+01:00"},
		{`"2021-04-09 16:27:39"`, false, "2021-04-09T16:27:39+02:00"},
		{`"2021-01-09 16:27:39.5"`, false, "2021-01-09T16:27:39.5+01:00"},
		{`"2021-04-09"`, false, "2021-04-09T00:00:00+02:00"},
		// An hour that is skipped in spring.
		{`"2021-03-28 02:30:00"`, false, "2021-03-28T03:30:00+02:00"},
		{`"0000-00-00 00:00:00"`, false, ""},
		{`"0000-01-01T00:00:00Z"`, false, ""},
		{`"0001-01-01T00:00:00Z"`, false, ""},
		{`"0001-01-01T00:00:00.000000Z"`, false, ""},
		{`"0001-01-01 00:00:00"`, false, ""},
		{`"0001-01-01T00:00:00+05:30"`, false, ""},
		{`"0000-00-00T00:00:00Z"`, false, ""},
		{`"0000-00-00"`, false, ""},
		{`"2021-02-30 00:00:00"`, false, ""},
		{`"2021-04-09 16:27"`, false, "2021-04-09T16:27:00+02:00"},
		{`"2021-06-18T14:48:06+0530"`, true, "2021-06-18T11:18:06+02:00"},
		{`"2021-06-18 14:48:06 UTC"`, true, "2021-06-18T16:48:06+02:00"},
		{`"Fri, 18 Jun 2021 14:48:06 +0000"`, true, "2021-06-18T16:48:06+02:00"},
		{`1737300755123`, true, "2025-01-19T16:32:35.123+01:00"},
		{`"16:27:39"`, false, ""},
		{`"1617965859"`, true, "2021-04-09T12:57:39+02:00"},
		{`1617965859`, true, "2021-04-09T12:57:39+02:00"},
		{`0`, false, ""},
		{`true`, false, ""},
		{`""`, false, ""},
		{`null`, false, ""},
		{`{}`, false, ""},
	}
	for _, tt := range tests {
		t.Run(tt.raw, func(t *testing.T) {
			t.Parallel()
			v := readValue[payload.Time](t, tt.raw)
			require.Equal(t, tt.raw, marshal(t, v))
			in, ok := v.In(berlin)
			require.Equal(t, tt.want != "", ok)
			if ok {
				require.Equal(t, tt.want, in.Format(time.RFC3339Nano))
				require.Equal(t, berlin, in.Location())
			}
			at, ok := v.Time()
			require.Equal(t, tt.zoned, ok)
			if ok {
				require.True(t, at.Equal(in))
			} else {
				require.True(t, at.IsZero())
			}
		})
	}
	_, ok := payload.Time{}.In(berlin)
	require.False(t, ok)
}

// A Time is read as templates read it, whatever its form.
func TestTimeAsInTemplates(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{
		`"2019-11-09"`, `"2019-11-09 16:00"`, `"2019-11-09 16:00:00"`, `"2019-11-09T16:00:00.5"`, `"2019-11-09 16:00:00,5"`,
		`"2019-11-09T16:00:00Z"`, `"2019-11-09T16:00:00.000+0530"`, `"2019-11-09 16:00:00+05:30"`, `"2019-11-09 16:00:00 +0530"`,
		`"2019-11-09 16:00:00 UTC"`, `"2019-11-09 16:00:00 +0530 IST"`, `"Sat, 09 Nov 2019 16:00:00 GMT"`, `"9 Nov 2019 16:00 -0500"`,
		`1573315200`, `"1573315200"`, `1573315200.25`, `1573315200000`, `"1573315200000"`, `1573315200000000`, `"2106181448"`,
		`"0000-00-00 00:00:00"`, `"0001-01-01T00:00:00Z"`, `"0001-01-01 00:00:00"`, `""`, `0`, `null`,
		`"20191109"`, `20191109160000`, `"2019-13-09"`, `"16:00"`, `"None"`, `"NA"`, `"-"`, `false`, `[]`, `"Fri, 09 Nov 2019 16:00:00 GMT"`,
	} {
		want, ok := readValue[payload.Time](t, raw).In(time.UTC)
		text := "none"
		if ok {
			text = want.Format("2006-01-02 15:04:05")
		}
		e := webhook.RawEvent{Type: "x", JSON: []byte(`{"at":` + raw + `}`)}
		require.Equal(t, text, rendered(t, "{{at | date_format: 'Y-m-d H:i:s', 'UTC' | default: 'none'}}", e), raw)
	}
}

func TestMakeTime(t *testing.T) {
	t.Parallel()
	at := time.Date(2021, 6, 18, 20, 18, 6, 886358999, time.FixedZone("IST", 5*3600+1800))
	require.Equal(t, `"2021-06-18T14:48:06.886358Z"`, marshal(t, payload.TimeInstant(at)))
	require.Equal(t, `"2021-06-18T14:48:06.000000Z"`, marshal(t, payload.TimeInstant(at.Truncate(time.Second))))
	require.Equal(t, `"2021-06-18 20:18:06"`, marshal(t, payload.TimeLocal(at)))
	back, ok := payload.TimeInstant(at).Time()
	require.True(t, ok)
	require.Equal(t, at.Truncate(time.Microsecond).UTC(), back)

	local := payload.TimeLocal(at)
	require.Error(t, local.UnmarshalJSON([]byte(`"2021`)))
	require.Equal(t, payload.TimeLocal(at), local)
	require.NoError(t, local.UnmarshalJSON([]byte(`"2021-06-18 20:18:06"`)))
	require.Equal(t, readValue[payload.Time](t, `"2021-06-18 20:18:06"`), local, "it forgets the zone")

	for _, zone := range []*time.Location{time.UTC, time.FixedZone("IST", 5*3600+1800)} {
		never := time.Time{}.In(zone)
		require.Equal(t, payload.Time{}, payload.TimeInstant(never))
		require.Equal(t, payload.Time{}, payload.TimeLocal(never))
	}
}

// What all tokens have in common.
func TestTokens(t *testing.T) {
	t.Parallel()
	type all struct {
		P payload.Phone
		I payload.Int
		S payload.Seconds
		D payload.Decimal
		T payload.Time
		O payload.Phone `json:",omitzero"`
	}
	var zero all
	require.Equal(t, `{"P":null,"I":null,"S":null,"D":null,"T":null}`, marshal(t, zero))
	require.Empty(t, zero.P.String()+zero.I.String()+zero.S.String()+zero.D.String()+zero.T.String())
	require.True(t, zero.P.IsZero() && zero.I.IsZero() && zero.S.IsZero() && zero.D.IsZero() && zero.T.IsZero())

	read := readValue[all](t, `{"P":null,"I":[1, 2],"S":"\u0031","D":1.50,"T":{"a" : "b"},"O":""}`)
	require.Equal(t, `{"P":null,"I":[1,2],"S":"1","D":1.50,"T":{"a":"b"},"O":""}`, marshal(t, read))
	require.False(t, read.P.IsZero() || read.I.IsZero() || read.S.IsZero() || read.D.IsZero() || read.T.IsZero())
	require.Equal(t, `1.50`, read.D.String())
	require.Equal(t, `{"a":"b"}`, read.T.String())

	var p payload.Phone
	require.NoError(t, p.UnmarshalJSON([]byte(" \"1\"\n")))
	require.Equal(t, payload.PhoneString("1"), p, "one number is one value, to compare with ==")
	require.EqualError(t, p.UnmarshalJSON([]byte(`"9190199`)), "payload: not JSON at offset 8")
	require.EqualError(t, p.UnmarshalJSON(nil), "payload: not JSON at offset 0")
	require.Equal(t, "1", p.String())
}
