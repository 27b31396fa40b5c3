package main

import (
	"time"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/internal/escape"
	"github.com/ringhook/webhook/internal/rawjson"
	"github.com/ringhook/webhook/payload"
)

// The template of the documents: a URL with two placeholders, a header with one, a JSON
// body with four.
var seedWebhook = webhook.Webhook{
	ID:      "dd4b91af-167d-48e6-901d-ae181ff6e80d",
	URL:     "https://www.domain.com/ack/receive?id=@{{payload.id}}&status=@{{payload.status}}",
	Headers: map[string]string{"X-Message": "message @{{payload.id}}"},
	Body: `{
      "id": "@{{payload.id}}",
      "mobile": "@{{payload.mobile}}",
      "message_status": "@{{payload.status}}",
      "read_at": "@{{payload.read_at}}"
    }`,
}

var readAt = time.Date(2021, 6, 18, 14, 48, 6, 886358000, time.UTC)

var seedStatus = payload.MessageStatus{
	Event:       "whatsapp:message:status",
	ID:          "a418d672-9781-4d97-b517-a56f7d95ad8a",
	Channel:     payload.ChannelWhatsApp,
	From:        payload.PhoneString("919019120120"),
	To:          payload.PhoneString("919019912345"),
	Status:      payload.StatusRead,
	ReadAt:      payload.TimeInstant(readAt),
	DeliveredAt: payload.TimeInstant(readAt.Add(-time.Second)),
	ForeignID:   "your-business-identifier",
}

// ownStatus is the same event in a struct that the library does not know.
type ownStatus struct {
	ID     string `json:"id"`
	Mobile string `json:"mobile"`
	Status string `json:"status"`
	ReadAt string `json:"read_at"`
}

func (ownStatus) EventType() string { return "whatsapp:message:status" }

var seedOwn = ownStatus{seedStatus.ID, seedStatus.To.String(), string(seedStatus.Status), seedStatus.ReadAt.String()}

// seedBody is what the body's template stands for, as one would declare it for
// json.Marshal.
type seedBody struct {
	ID     string `json:"id"`
	Mobile string `json:"mobile"`
	Status string `json:"message_status"`
	ReadAt string `json:"read_at"`
}

// appendByHand is what one would write for the seed template alone, with the same
// escapes: URL, header, body.
func appendByHand(dst []byte, s *payload.MessageStatus) []byte {
	dst = appendHeadByHand(dst, s)
	dst = appendBodyByHand(dst, s)
	dst = rawjson.AppendEscaped(dst, s.ReadAt.String())
	return append(dst, "\"\n    }"...)
}

// appendByHandTime is the same with a time to be formatted, as the standard library
// does it.
func appendByHandTime(dst []byte, s *payload.MessageStatus, readAt time.Time) []byte {
	dst = appendHeadByHand(dst, s)
	dst = appendBodyByHand(dst, s)
	dst = readAt.AppendFormat(dst, "2006-01-02T15:04:05.000000Z07:00")
	return append(dst, "\"\n    }"...)
}

func appendHeadByHand(dst []byte, s *payload.MessageStatus) []byte {
	dst = append(dst, "https://www.domain.com/ack/receive?id="...)
	dst = escape.AppendURL(dst, s.ID)
	dst = append(dst, "&status="...)
	dst = escape.AppendURL(dst, string(s.Status))
	dst = append(dst, "message "...)
	return escape.AppendHeader(dst, s.ID)
}

func appendBodyByHand(dst []byte, s *payload.MessageStatus) []byte {
	dst = append(dst, "{\n      \"id\": \""...)
	dst = rawjson.AppendEscaped(dst, s.ID)
	dst = append(dst, "\",\n      \"mobile\": \""...)
	dst = rawjson.AppendEscaped(dst, s.To.String())
	dst = append(dst, "\",\n      \"message_status\": \""...)
	dst = rawjson.AppendEscaped(dst, string(s.Status))
	return append(dst, "\",\n      \"read_at\": \""...)
}
