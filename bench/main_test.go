package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook/bench/internal/pair"
)

// commandEnv makes the test's own binary the command, with groups whose results are
// known.
const commandEnv = "BENCH_COMMAND"

func TestMain(m *testing.M) {
	isChild := len(os.Args) > 1 && children[os.Args[1]] != nil
	if os.Getenv(commandEnv) != "" {
		groups = []group{{"test", scripted}}
	} else if !isChild {
		os.Exit(m.Run())
	}
	main()
}

// scripted are cases that measure nothing.
func scripted(o options) ([]pair.Case, func(), error) {
	of := func(name string, f pair.Figure) pair.Case {
		return pair.Of(name, func() (pair.Figure, error) { f.Name = name; return f, nil })
	}
	met, missed, void := someFigures()
	cases := []pair.Case{
		of("test/met", met), of("test/missed", missed), of("test/void", void), of("test/met-too", met),
		{Names: []string{"test/one", "test/other"}, Run: func() ([]pair.Figure, error) {
			return []pair.Figure{{Name: "test/one"}, {Name: "test/other"}}, nil
		}},
		{Names: []string{"test/unknown"}, Run: func() ([]pair.Figure, error) { return nil, nil }},
	}
	if o.longest {
		cases = append(cases, of("test/longest", met))
	}
	return cases, nil, nil
}

func someFigures() (met, missed, void pair.Figure) {
	goal := pair.AtMost(2)
	return pair.Figure{Value: pair.Exactly(1), Goal: goal}, pair.Figure{Value: pair.Exactly(3), Goal: goal}, pair.Figure{Value: pair.Exactly(1), Goal: goal, Slack: 0.1}
}

func TestCommand(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		args []string
		code int
		want string
	}{
		{"met", []string{"-only", "test/met"}, 0, "  1/1    0s  test/met: 1 , goal ≤ 2: met\ngoals: 1 met, 0 nearly, 0 missed; 0 without a goal, 0 void\n"},
		{"several", []string{"-only", "test/met-"}, 0, "goals: 1 met, 0 nearly, 0 missed; 0 without a goal, 0 void\n"},
		{"missed", []string{"-only", "test/mis"}, 1, "goals: 0 met, 0 nearly, 1 missed; 0 without a goal, 0 void\nbench: goals missed twice: 1\n"},
		{"void", []string{"-only", "test/void"}, 1, "bench: figures with a goal that are void: 1; measure again on a quiet machine\n"},
		{"all of a group, and less of it", []string{"-only", "test", "-quick"}, 1, "goals: 2 met, 0 nearly, 1 missed; 2 without a goal, 1 void\n"},
		{"a figure that is not the first of its case", []string{"-only", "test/ot"}, 0, "test/one: 0 \n               test/other: 0 \n"},
		{"not known", []string{"-only", "test/unknown"}, 0, "test/unknown: not known on this system\n"},
		{"what takes a minute", []string{"-only", "test/long"}, 0, "goals: 1 met"},
		{"quick", []string{"-only", "test/long", "-quick"}, 1, `bench: nothing begins with "test/long", or -quick leaves it out`},
		{"nothing so named", []string{"-only", "compost"}, 1, `bench: nothing begins with "compost"`},
		{"a name without its flag", []string{"compose"}, 2, `bench: "compose" is no flag`},
		{"readme and more", []string{"-readme", "-only", "test"}, 2, "bench: -readme measures nothing, and takes no other flag\n"},
		{"a child's wrong number", []string{"receiver", "0"}, 1, "bench: receiver: want a number of 1 or more\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			self, err := os.Executable()
			require.NoError(t, err)
			cmd := exec.CommandContext(t.Context(), self, tt.args...)
			cmd.Env = append(os.Environ(), commandEnv+"=1")
			out, _ := cmd.CombinedOutput() // the code says it
			require.Equal(t, tt.code, cmd.ProcessState.ExitCode(), string(out))
			require.Contains(t, string(out), tt.want)
		})
	}
}

func TestRun_folder(t *testing.T) {
	t.Chdir(t.TempDir())
	require.EqualError(t, run("", false, true, ""), "start it in the root of the repository or in bench/, where it writes its results")
}

func TestFailure(t *testing.T) {
	t.Parallel()
	met, missed, void := someFigures()
	near := pair.Figure{Value: pair.Spread{P25: 1, Median: 3, P75: 4}, Goal: pair.AtMost(2)}
	reported := pair.Figure{Value: pair.Exactly(3), Slack: 0.1}
	require.NoError(t, failure([]pair.Figure{met, near, reported}))
	require.EqualError(t, failure([]pair.Figure{met, missed, missed}), "goals missed twice: 2")
	require.EqualError(t, failure([]pair.Figure{void, met, reported}), "figures with a goal that are void: 1; measure again on a quiet machine")
	require.EqualError(t, failure([]pair.Figure{void, missed}), "goals missed twice: 1\nfigures with a goal that are void: 1; measure again on a quiet machine")
}

// The rows of RESULTS.md are those that the suite has: what is new or has another name
// was measured. Only a whole group may be newer than the results.
func TestResults(t *testing.T) {
	t.Parallel()
	results, err := os.ReadFile("RESULTS.md")
	require.NoError(t, err)
	var known, shown []string
	for _, g := range groups {
		cases, done, err := g.cases(full)
		require.NoError(t, err, g.name)
		if done != nil {
			defer done()
		}
		for _, c := range cases {
			for _, name := range c.Names {
				require.True(t, strings.HasPrefix(name, g.name+"/"), name)
			}
			if strings.Contains(string(results), "\n## "+g.name+"\n") {
				known = append(known, c.Names...)
			}
		}
	}
	for line := range strings.Lines(string(results)) {
		if cells := strings.Split(line, " | "); len(cells) == 8 && strings.Contains(cells[0], "/") {
			shown = append(shown, strings.TrimPrefix(cells[0], "| "))
		}
	}
	require.Equal(t, known, shown)
	require.Subset(t, known, readmeRows)
	for _, l := range laws {
		require.Subset(t, known, l.rows)
	}
}

func TestGrowth(t *testing.T) {
	t.Parallel()
	figure := func(name string, ours, value float64) pair.Figure {
		return pair.Figure{Name: name, Ours: ours, Value: pair.Exactly(value)}
	}
	figures := []pair.Figure{
		figure("compose/slope-16", 0.5e-6, 0), figure("compose/slope-500", 10.18e-6, 0),
		figure("compose/value-memmove", longValue*0.1e-9, 0), figure("compose/value-escapes", longValue*2e-9, 0),
		figure("compose/whole", 1.1e-6, 0), figure("compose/allocs-whole", 0, 5), figure("compose/limit", 240e-9, 0),
		figure("sign/HMAC", 600e-9, 0), figure("sign/floor-200B", 340e-9, 0), figure("sign/floor-10KB", 340e-9+10040*0.7e-9, 0),
		figure("deliver/raw@64-cpu", 36e-6, 1.25), figure("deliver/large-10KB@16-cpu", 40e-6, 0), figure("deliver/large-32KB@16-cpu", 62.2e-6, 0),
		figure("hosts/growth@64", 0, 0.85),
		figure("pending/memory-10k", 0, 139), figure("pending/memory-1M", 0, 123), figure("pending/cpu-growth", 0, 1.1),
	}
	require.Equal(t, growthHead+
		"- Composing: 180 ns, and 20 ns a placeholder (values of 4 to 36 bytes); 0.10 ns a further byte that needs no escape, 2 ns where a third needs one.\n"+
		"- Compose, with what a message has besides (an id, a policy, memory of its own): 1.10 µs and 5 allocations for the template of the documents, of which 240 ns are the text. A webhook with more than a handful of headers has a few allocations more.\n"+
		"- Signing: 600 ns for the whole header of HMAC over 200 bytes, and 0.70 ns a further byte.\n"+
		"- Delivering: 36 µs of CPU for a small body by 64 workers, of which bare net/http has 28.8 µs; 1.01 µs for each KB between 10 and 32, the signature's among them. To 1000 hosts in turn it is 0.85 times as fast as to one.\n"+
		"- Waiting in memory: 139 B a retry beyond its message and id among 10,000, 123 B among a million, where handing it out takes 1.10 times the CPU that it takes among a tenth.\n",
		growth(figures))
	figures[7].Slack = 0.1   // and no steady reference
	figures[11].Ours = 70e-6 // more than a larger one
	figures = figures[:len(figures)-1]
	require.Equal(t, 2, strings.Count(growth(figures), "\n- "))
	require.Empty(t, growth(nil))
}

// A goroutine is measured in a process of its own, which the parent reads.
func TestElsewhere(t *testing.T) {
	t.Parallel()
	s, err := elsewhere("goroutines", 1000)()
	require.NoError(t, err)
	require.Greater(t, s.Heap, 2000.0, "a stack at least")
	require.Less(t, s.Heap, 20000.0)
}
