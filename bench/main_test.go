package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook/bench/internal/pair"
)

// commandEnv makes the test's own binary the command.
const commandEnv = "BENCH_COMMAND"

func TestMain(m *testing.M) {
	_, isChild := children[strings.Join(os.Args[1:min(2, len(os.Args))], "")]
	if isChild || os.Getenv(commandEnv) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

func TestCommand(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		args []string
		code int
		want []string
	}{
		{"figures of a case that has another name", []string{"-only", "pending/memory-10k-"}, 0, []string{"1/1", "pending/memory-10k: ", "pending/memory-10k-goroutine: ", "goals: 2 met, 0 nearly, 0 missed"}},
		{"nothing so named", []string{"-only", "compost"}, 1, []string{`bench: nothing begins with "compost"`}},
		{"a name without its flag", []string{"compose"}, 2, []string{`bench: "compose" is no flag`}},
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
			for _, want := range tt.want {
				require.Contains(t, string(out), want)
			}
		})
	}
}

func TestRun_folder(t *testing.T) {
	t.Chdir(t.TempDir())
	require.EqualError(t, run("", false, true, ""), "start it in the root of the repository or in bench/, where it writes its results")
}

func TestFailure(t *testing.T) {
	t.Parallel()
	met := pair.Figure{Value: pair.Exactly(1), Goal: pair.AtMost(2)}
	near := pair.Figure{Value: pair.Spread{P25: 1, Median: 3, P75: 4}, Goal: pair.AtMost(2)}
	missed := pair.Figure{Value: pair.Exactly(3), Goal: pair.AtMost(2)}
	void := pair.Figure{Value: pair.Exactly(1), Goal: pair.AtMost(2), Slack: 0.1}
	reported := pair.Figure{Value: pair.Exactly(3), Slack: 0.1}
	require.NoError(t, failure([]pair.Figure{met, near, reported}))
	require.EqualError(t, failure([]pair.Figure{met, missed, missed}), "goals missed twice: 2")
	require.EqualError(t, failure([]pair.Figure{void, met, reported}), "figures with a goal that are void: 1; measure again on a quiet machine")
	require.EqualError(t, failure([]pair.Figure{void, missed}), "goals missed twice: 1\nfigures with a goal that are void: 1; measure again on a quiet machine")
}

// The rows of RESULTS.md are those that the suite has, each once, whatever they are measured with.
func TestResults(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	for _, g := range groups {
		cases, done, err := g.cases(full)
		require.NoError(t, err, g.name)
		if done != nil {
			defer done()
		}
		require.NotEmpty(t, cases, g.name)
		for _, c := range cases {
			for _, name := range c.Names {
				require.True(t, strings.HasPrefix(name, g.name+"/"), name)
				require.False(t, known[name], name)
				known[name] = true
			}
		}
	}
	for _, name := range readmeRows {
		require.True(t, known[name], name)
	}
	results, err := os.ReadFile("RESULTS.md")
	require.NoError(t, err)
	group := ""
	for line := range strings.Lines(string(results)) {
		if heading, ok := strings.CutPrefix(line, "## "); ok {
			group = strings.TrimSpace(heading)
		}
		cells := strings.Split(line, " | ")
		name := strings.TrimPrefix(cells[0], "| ")
		if len(cells) > 3 && strings.HasPrefix(name, group+"/") {
			require.True(t, known[name], "RESULTS.md has a row %s, which is measured no more", name)
		}
	}
}

func TestGrowth(t *testing.T) {
	t.Parallel()
	figure := func(name string, ours float64) pair.Figure {
		return pair.Figure{Name: name, Ours: ours, Value: pair.Exactly(1.2)}
	}
	figures := []pair.Figure{
		figure("compose/slope-16", 400e-9), figure("compose/slope-500", 10.08e-6), figure("compose/value-memmove", 65536*0.1e-9),
		figure("sign/floor-200B", 340e-9), figure("sign/floor-10KB", 340e-9+10040*0.7e-9),
		figure("pending/memory-1M", 123), figure("pending/cpu-growth", 1),
	}
	require.Equal(t, growthHead+
		"- Composing: 80.0 ns and 20 ns a placeholder of some 25 bytes; 0.10 ns a clean byte of a long value.\n"+
		"- Signing: 200 ns and 0.70 ns a byte of the body.\n"+
		"- Waiting in memory: 1.20 B a retry beyond its message and id, whatever their number; handing it out takes 1.20 times the CPU when there are ten times as many.\n",
		growth(figures))
	figures[3].Slack = 0.1 // and no steady reference
	require.NotContains(t, growth(figures), "Signing")
	require.Empty(t, growth(nil))
}

// A goroutine is measured in a process of its own, which the parent reads.
func TestElsewhere(t *testing.T) {
	t.Parallel()
	s, err := elsewhere(1000)()
	require.NoError(t, err)
	require.Greater(t, s.Heap, 2000.0, "a stack at least")
	require.Less(t, s.Heap, 20000.0)

	is, err := asChild([]string{"bench", "receiver", "x"})
	require.True(t, is)
	require.Error(t, err)
	is, err = asChild([]string{"bench", "-only", "compose"})
	require.False(t, is)
	require.NoError(t, err)
}
