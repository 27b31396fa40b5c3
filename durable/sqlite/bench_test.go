package sqlite_test

import (
	"testing"

	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/durable/internal/durabletest"
	"github.com/ringhook/webhook/durable/sqlite"
)

func BenchmarkEngine(b *testing.B) {
	durabletest.Throughput(b, open(b, newFile(b), durable.Config{}))
}

func BenchmarkEngine_Delayed(b *testing.B) {
	durabletest.Delayed(b, open(b, newFile(b), durable.Config{}))
}

func BenchmarkEngine_Isolation(b *testing.B) {
	durabletest.Isolation(b, open(b, newFile(b), durable.Config{}))
}

func BenchmarkEngine_Sealing(b *testing.B) {
	durabletest.Sealing(b, func(config durable.Config) *sqlite.Engine { return open(b, newFile(b), config) })
}
