package payload_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/ringhook/webhook/payload"
	"github.com/ringhook/webhook/testdata"
)

// The types that encoding/json reads the same bodies into. They have text only, and
// lose the members without a field.
type (
	plainCall struct {
		Bridge       json.Number `json:"bridge"`
		From         json.Number `json:"from"`
		To           json.Number `json:"to"`
		Source       string      `json:"source"`
		MID          string      `json:"mid"`
		FlowID       json.Number `json:"flow_id"`
		StartAt      string      `json:"start_at"`
		EndAt        string      `json:"end_at"`
		Duration     string      `json:"duration"`
		Status       string      `json:"status"`
		RecordingURL string      `json:"recording_url"`
		Date         string      `json:"date"`
		UnixTime     string      `json:"unixtime"`
		Billing      string      `json:"billing"`
		Status1      string      `json:"status1"`
		Status2      string      `json:"status2"`
		HangupBy     string      `json:"hangup_by"`
	}
	plainStatus struct {
		Event   string `json:"event"`
		Payload struct {
			ID          string `json:"id"`
			Channel     string `json:"channel"`
			From        string `json:"from"`
			To          string `json:"to"`
			Status      string `json:"status"`
			DeliveredAt string `json:"delivered_at"`
			ReadAt      string `json:"read_at"`
			ProcessedAt string `json:"processed_at"`
			SubmitTime  string `json:"submit_time"`
			Timestamp   string `json:"timestamp"`
			ForeignID   string `json:"foreign_id"`
		} `json:"payload"`
	}
	plainIn struct {
		Event   string `json:"event"`
		Payload struct {
			ID       string `json:"id"`
			Channels []struct {
				Name string `json:"name"`
				To   string `json:"to"`
			} `json:"channels"`
			Recipient struct {
				From string `json:"from"`
				User struct {
					ID           string          `json:"id"`
					IdentifierID string          `json:"identifier_id"`
					SubscriberID string          `json:"subscriber_id"`
					Identity     string          `json:"identity"`
					Username     string          `json:"username"`
					FirstName    string          `json:"first_name"`
					MiddleName   string          `json:"middle_name"`
					LastName     string          `json:"last_name"`
					Email        string          `json:"email"`
					Phone        string          `json:"phone"`
					Attributes   json.RawMessage `json:"attributes"`
					UserInfo     struct {
						Picture string `json:"picture"`
						Gender  string `json:"gender"`
						Title   string `json:"title"`
					} `json:"user_info"`
				} `json:"user"`
			} `json:"recipient"`
			Message struct {
				Type      string          `json:"type"`
				Payload   json.RawMessage `json:"payload"`
				ID        string          `json:"id"`
				Timestamp string          `json:"timestamp"`
			} `json:"message"`
		} `json:"payload"`
	}
)

// BenchmarkParse reads compact bodies with Parse, and with encoding/json into the plain
// structs above. Both are timed in turns, so that other work on the machine slows both;
// ratio is how many times as long Parse takes.
func BenchmarkParse(b *testing.B) {
	tests := []struct {
		name  string
		plain func() any
	}{
		{"whatsapp_status", func() any { return new(plainStatus) }},
		{"obd", func() any { return new(plainCall) }},
		{"whatsapp_in_text", func() any { return new(plainIn) }},
	}
	for _, tt := range tests {
		body := []byte(compact(b, testdata.Fixture(tt.name)))
		b.Run(tt.name, func(b *testing.B) {
			b.ReportAllocs()
			var ours, theirs time.Duration
			for b.Loop() {
				start := time.Now()
				for range 10 {
					if _, err := payload.Parse(body); err != nil {
						b.Fatal(err)
					}
				}
				mid := time.Now()
				for range 10 {
					if err := json.Unmarshal(body, tt.plain()); err != nil {
						b.Fatal(err)
					}
				}
				ours, theirs = ours+mid.Sub(start), theirs+time.Since(mid)
			}
			b.ReportMetric(float64(ours)/float64(theirs), "ratio")
		})
	}
}
