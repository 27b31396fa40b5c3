package main

import (
	"context"
	"os"
	"path/filepath"

	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/durable/sqlite"
	"github.com/ringhook/webhook/queue"
)

func open(context.Context) (queue.Engine, func(), error) {
	folder, err := os.MkdirTemp("", "consumer")
	if err != nil {
		return nil, nil, err
	}
	engine, err := sqlite.Open(filepath.Join(folder, "webhooks.db"), durable.Config{})
	if err != nil {
		_ = os.RemoveAll(folder)
		return nil, nil, err
	}
	return engine, func() {
		_ = engine.Close()
		_ = os.RemoveAll(folder)
	}, nil
}
