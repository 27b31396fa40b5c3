package filter_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook/internal/field"
	"github.com/ringhook/webhook/internal/race"
)

// A result that is part of the value is not a copy.
func TestFilter_Apply_Allocs(t *testing.T) { //nolint:paralleltest // counts the allocations of the process
	if race.Enabled {
		t.Skip("the race detector makes sync.Pool forget")
	}
	long := field.Text(" 918919521234 ")
	tests := []struct {
		filter string
		args   args
		in     field.Value
		most   float64
	}{
		{"slice", args{-10}, long, 0},
		{"slice", args{2, 5}, long, 0},
		{"strip", nil, long, 0},
		{"lstrip", nil, long, 0},
		{"truncate", nil, long, 0},
		{"truncate", args{3, ""}, long, 0},
		{"default", args{"there"}, long, 0},
		{"default", args{"there"}, field.Null, 0},
		{"first", nil, long, 0},
		{"last", nil, long, 0},
		{"first", nil, field.FromJSON(`["a",{"b":1}]`), 0},
		{"last", nil, field.FromJSON(`["a",{"b":1}]`), 0},
		{"size", nil, long, 0},
		{"downcase", nil, long, 0},
		{"escape", nil, long, 0},
		{"url_encode", nil, field.Text("918919521234"), 0},
		{"replace", args{"x", "y"}, long, 0},
		{"append", args{"x"}, long, 1},
		{"replace", args{" ", "_"}, long, 1},
		{"escape", nil, field.Text("a & b"), 1},
		{"join", nil, field.FromJSON(`["a","b","c"]`), 1},
		{"slice", args{1}, field.FromJSON(`["a","b","c"]`), 1},
		{"split", args{"9"}, long, 2}, // the list, and the space to make it
		{"date_format", args{"d/m/Y H:i"}, field.Text("2021-04-09 16:27:39"), 1},
		{"date_format", args{"d/m/Y H:i"}, field.Number("1617985659123"), 1},
		{"date", args{"%d/%m/%Y %H:%M"}, field.Text("2021-04-09 16:27:39"), 1},
		{"translate", args{"ANSWER", 1, "BUSY", 2, 5, 6}, field.Text("BUSY"), 0},
		{"translate", args{"ANSWER", 1, "BUSY", 2}, long, 0},
		{"strip_html", nil, long, 0},
		{"remove", args{"x"}, long, 0},
		{"base64_decode", nil, field.Text("Wm/Dqw=="), 2},
		{"json", nil, long, 2},
		{"plus", args{1}, field.Text("23"), 1},
		{"abs", nil, field.Text("-23"), 1},
		{"at_least", args{30}, field.Text("23"), 1},
		{"sum", nil, field.FromJSON(`[1,"2",3.5]`), 2},
		{"map", args{"a"}, field.FromJSON(`[{"a":1},{"a":2}]`), 3},
		{"compact", nil, field.FromJSON(`[1,null]`), 2},
		{"round", args{2}, field.Number("0.0150"), 1},
	}
	for _, tt := range tests {
		f := compile(t, tt.filter, tt.args...)
		allocs := testing.AllocsPerRun(100, func() { _, _ = f.Apply(tt.in) })
		require.LessOrEqual(t, allocs, tt.most, "%s %v", tt.filter, tt.args)
	}
}
