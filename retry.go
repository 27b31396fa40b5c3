package webhook

import "time"

// Policy stub, see retry.go's owner.
type Policy struct {
	Success  []int
	Timeout  time.Duration
	Attempts int
	Waits    []time.Duration
	Jitter   float64
}
