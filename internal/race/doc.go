// Package race tells tests whether the race detector is in: it allocates for itself, and
// makes sync.Pool forget.
package race
