package webhook_test

import (
	"testing"

	"go.uber.org/goleak"
)

// No test leaves a goroutine running: those of the library end with the call that
// started them, or with the client's connections.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
