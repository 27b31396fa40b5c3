//go:build !race

package race

// Enabled reports whether the race detector is in.
const Enabled = false
