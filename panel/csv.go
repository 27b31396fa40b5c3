package panel

import (
	"encoding/csv"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/ringhook/webhook/durable"
)

// maxLines is how many deliveries a file has at most.
const maxLines = 10_000

// csvDeliveries answers with the deliveries that match the query, as CSV, for spreadsheets.
func (c *call) csvDeliveries() error {
	q := readQuery(c.r.URL.Query()).at("")
	f, err := q.filter(time.Now(), 1000)
	if err != nil {
		return err
	}
	page, err := c.deliveries.List(c.ctx, f)
	if err != nil {
		return err
	}
	c.w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	c.w.Header().Set("Content-Disposition", `attachment; filename="deliveries.csv"`)
	w := csv.NewWriter(c.w)
	_ = w.Write([]string{
		"id", "webhook_id", "tenant", "event", "state", "reason", "class", "status", "attempts", "created", "ended", "error",
	})
	for rows := 0; ; {
		for _, d := range page.Deliveries {
			_ = w.Write(csvRow(d)) // Flush tells
		}
		if w.Flush(); w.Error() != nil {
			return nil //nolint:nilerr // nobody reads it any more
		}
		if rows += len(page.Deliveries); page.Next == "" || rows >= maxLines {
			return nil
		}
		f.After = page.Next
		if page, err = c.deliveries.List(c.ctx, f); err != nil {
			panic(http.ErrAbortHandler) // a file that ends early must not look whole
		}
	}
}

func csvRow(d durable.Delivery) []string {
	row := []string{
		d.ID, d.WebhookID, d.Tenant, d.Event, string(d.State), string(d.Reason), string(d.Class), strconv.Itoa(d.Status),
		strconv.Itoa(d.Attempts), csvTime(d.Created), csvTime(d.Ended), d.Error,
	}
	for i, cell := range row {
		row[i] = csvCell(cell)
	}
	return row
}

// csvCell keeps spreadsheets from taking a text for a formula.
func csvCell(s string) string {
	if strings.IndexAny(strings.TrimLeft(s, " \t\r\n"), "=+-@\uFF1D\uFF0B\uFF0D\uFF20") == 0 {
		return "'" + s
	}
	return s
}

func csvTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
