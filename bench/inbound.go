package main

import (
	"bytes"
	"encoding/json"

	"github.com/ringhook/webhook/bench/internal/pair"
	"github.com/ringhook/webhook/payload"
	"github.com/ringhook/webhook/testdata"
)

// What encoding/json reads the same bodies into: nothing but text, and what no field
// takes is lost.
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

func inboundCases(o options) ([]pair.Case, func(), error) {
	var cases []pair.Case
	for _, f := range []struct {
		fixture string
		plain   func() any
	}{
		{"whatsapp_status", func() any { return new(plainStatus) }},
		{"obd", func() any { return new(plainCall) }},
		{"whatsapp_in_text", func() any { return new(plainIn) }},
	} {
		var compact bytes.Buffer
		if err := json.Compact(&compact, testdata.Fixture(f.fixture)); err != nil {
			return nil, nil, err
		}
		body := compact.Bytes()
		if _, err := payload.Parse(body); err != nil {
			return nil, nil, err
		}
		cases = append(cases, o.compute("inbound/parse-"+f.fixture, "payload.Parse : json.Unmarshal into a plain struct", pair.Time, pair.AtMost(2),
			func() {
				_, err := payload.Parse(body)
				must(err)
			}, func() { must(json.Unmarshal(body, f.plain())) }))
	}
	return cases, nil, nil
}
