package durabletest

import (
	"bytes"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/queue"
)

// onTime is the test that Zones runs.
const onTime = "retries leave on time"

// testOnTime has one delivery wait for so long that River's scheduler wakes it, and one
// for less.
func testOnTime[T any](t *testing.T, db Database[T]) {
	t.Log("local time:", time.Now().Format("-0700"))
	waits := map[string]queue.Verdict{
		"retried":  {Kind: queue.KindRetry, After: 6 * time.Second},
		"deferred": {Kind: queue.KindDefer, After: time.Second},
	}
	var mu sync.Mutex
	due := map[string]time.Time{}
	late := map[string]time.Duration{}
	e := db.Open(t, durable.Config{})
	Run(t, e, record(func(d queue.Delivery) queue.Verdict {
		mu.Lock()
		defer mu.Unlock()
		if at, ok := due[d.ID]; ok {
			late[d.ID] = time.Since(at)
			return queue.Verdict{Kind: queue.KindDone}
		}
		due[d.ID] = time.Now().Add(waits[d.ID].After)
		return waits[d.ID]
	}).handle)
	require.NoError(t, e.Enqueue(t.Context(), Task("retried"), Task("deferred")))
	finally(t, e, "retried", durable.StateDelivered)
	finally(t, e, "deferred", durable.StateDelivered)
	mu.Lock()
	defer mu.Unlock()
	for id := range waits {
		// River's times are whole milliseconds.
		require.GreaterOrEqual(t, late[id], -time.Millisecond, id)
		require.Less(t, late[id], 15*time.Second, id)
	}
	// A job that River takes for due before its time is put off again and again.
	var busy int
	db.Row(t, `SELECT count(*) FROM #river_job WHERE CAST(metadata->>'snoozes' AS bigint) > 2`, &busy)
	require.Zero(t, busy)
}

// Zones runs a test of the calling program in local times that are ahead of UTC, behind
// it, and an hour further after some seconds, as at a change to summer time.
func Zones(t *testing.T, test string) {
	program, err := os.Executable()
	require.NoError(t, err)
	const kolkata, newYork, berlin = 5*3600 + 1800, -5 * 3600, 3600
	for name, offsets := range map[string][]int32{
		"Kolkata":                 {kolkata},
		"New York":                {newYork},
		"Berlin as summer begins": {berlin, berlin + 3600},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "zone")
			require.NoError(t, os.WriteFile(file, zoneFile(offsets...), 0o600))
			//nolint:gosec // this program
			cmd := exec.CommandContext(t.Context(), program, "-test.v", "-test.run", "^"+test+"$/^retries_leave_on_time$")
			cmd.Env = append(os.Environ(), "TZ="+file)
			output, err := cmd.CombinedOutput()
			require.NoError(t, err, "%s", output)
			require.Contains(t, string(output), "local time: ")
			require.NotContains(t, string(output), "local time: +0000", "Go knows no such zone")
			require.Contains(t, string(output), "--- PASS: "+test+"/retries_leave_on_time")
		})
	}
}

// zoneFile returns a file, as RFC 8536 describes it, of a zone that changes its offset
// every 4 s. The offsets are in seconds east of UTC.
func zoneFile(offsets ...int32) []byte {
	var b bytes.Buffer
	write := func(v any) { _ = binary.Write(&b, binary.BigEndian, v) }
	b.WriteString("TZif")
	b.Write(make([]byte, 16)) // the version, and what is not used yet
	n := int32(len(offsets))  //nolint:gosec // two at most
	write([]int32{0, 0, 0, n - 1, n, 4 * n})
	for i := range n - 1 {
		write(int32(time.Now().Unix()) + 4*(i+1)) //nolint:gosec // until 2038
	}
	for i := range n - 1 {
		write(int8(i + 1))
	}
	for i, offset := range offsets {
		write(offset)
		// Whether it is summer time, and where its name is.
		write([]int8{int8(i), int8(4 * i)})
	}
	for range offsets {
		b.WriteString("ABC\x00")
	}
	return b.Bytes()
}
