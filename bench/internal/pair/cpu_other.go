//go:build !unix

package pair

import "time"

// cpuTime is not known here, and the rows that tell it are left out.
func cpuTime() time.Duration { return 0 }
