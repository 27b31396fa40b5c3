// Package webhook composes, signs and delivers outgoing webhooks.
package webhook
