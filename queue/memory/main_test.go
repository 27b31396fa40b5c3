package memory_test

import (
	"testing"

	"go.uber.org/goleak"
)

// No test leaves a goroutine behind: what Run starts ends with it.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
