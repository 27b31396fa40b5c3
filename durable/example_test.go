package durable_test

import (
	"fmt"
	"time"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable"
)

// For how long a message is tried follows from its policy. Defaults says it for all
// webhooks that leave it open: with the documented waits, or with those of the example
// in the specification of Standard Webhooks.
func ExampleConfig_defaults() {
	patient := durable.Config{Defaults: func(string) webhook.Policy {
		return webhook.Policy{Attempts: 6}
	}}
	standard := durable.Config{Defaults: func(string) webhook.Policy {
		return webhook.Policy{Attempts: 10, Waits: []time.Duration{
			5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour,
			10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour,
		}}
	}}

	usual := webhook.PolicyFor("dialer:cdr")
	for _, policy := range []webhook.Policy{
		usual,
		patient.Defaults("dialer:cdr").Or(usual),
		standard.Defaults("dialer:cdr").Or(usual),
	} {
		var in time.Duration
		for i := range policy.Attempts - 1 {
			in += policy.Waits[i]
		}
		fmt.Printf("%d attempts within %v\n", policy.Attempts, in)
	}
	// Output:
	// 3 attempts within 1m50s
	// 6 attempts within 30h51m50s
	// 10 attempts within 75h35m5s
}
