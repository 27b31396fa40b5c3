package sqlite_test

import (
	"os"
	"testing"

	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/durable/internal/durabletest"
	"github.com/ringhook/webhook/durable/sqlite"
)

func TestMain(m *testing.M) {
	durabletest.Main(func(p durabletest.Place, config durable.Config) (*sqlite.Engine, error) {
		return sqlite.Open(p.Name, config)
	})
	os.Exit(m.Run())
}
