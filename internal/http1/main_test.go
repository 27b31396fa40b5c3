package http1_test

import (
	"testing"

	"go.uber.org/goleak"
)

// No exchange leaves a goroutine behind.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
