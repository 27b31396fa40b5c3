package sqlite_test

import (
	"testing"

	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/durable/internal/durabletest"
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

func BenchmarkWebhooks_Publish(b *testing.B) { durabletest.Publish(b, databaseOn(b, newFile(b))) }
