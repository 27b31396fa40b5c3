package webhook_test

import (
	"testing"

	"go.uber.org/goleak"
)

// No test leaves a goroutine behind: what the library starts ends with the call that
// started it, or with the client's connections.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
