package filter_test

import (
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook/internal/field"
	"github.com/ringhook/webhook/internal/filter"
)

// All filters share the time zones.
func TestCompile_ZonesShared(t *testing.T) { //nolint:paralleltest // counts what the process allocates
	args := literals("Y", "Europe/London")
	_, err := filter.Compile("date_format", args)
	require.NoError(t, err)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 100 {
		_, _ = filter.Compile("date_format", args)
	}
	runtime.ReadMemStats(&after)
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(100<<10))
}

// A result that would be too long is refused before it is made.
func TestApply_RefusesBeforeMaking(t *testing.T) { //nolint:paralleltest // counts what the process allocates
	long := field.Text(strings.Repeat("x", 32<<10))
	value := field.Text(strings.Repeat("x", filter.MaxOutput))
	list := field.FromJSON("[" + strings.TrimSuffix(strings.Repeat("1,", 1<<19), ",") + "]")
	tests := []struct {
		name  string
		value field.Value
		args  []field.Value
	}{
		{"replace", value, []field.Value{field.Text("x"), long}},
		{"append", value, []field.Value{long}},
		{"prepend", value, []field.Value{long}},
		{"split", value, []field.Value{field.Text("")}},
		{"split", value, []field.Value{field.Text("x")}},
		{"join", list, []field.Value{long}},
		{"json", field.Text(strings.Repeat("\x01", filter.MaxOutput)), nil},
		{"base64_encode", value, nil},
		{"map", field.FromJSON("[" + strings.Repeat("{},", filter.MaxOutput/3) + "{}]"), []field.Value{field.Text("a")}},
		{"escape", field.Text(strings.Repeat("<", filter.MaxOutput)), nil},
		{"url_encode", field.Text(strings.Repeat("<", filter.MaxOutput)), nil},
	}
	for _, tt := range tests { //nolint:paralleltest // as above
		t.Run(tt.name, func(t *testing.T) {
			f, err := filter.Compile(tt.name, tt.args)
			require.NoError(t, err)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err = f.Apply(tt.value)
			runtime.ReadMemStats(&after)
			// A text of separators alone splits into nothing.
			if tt.name != "split" || tt.args[0].Text == "" {
				require.ErrorIs(t, err, filter.ErrTooLong)
			}
			require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(4*filter.MaxOutput))
		})
	}
}
