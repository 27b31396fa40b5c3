package panel

import (
	"time"
)

// apiDeliveries answers with a page of the deliveries that match the query.
func (c *call) apiDeliveries() error {
	f, err := readQuery(c.r.URL.Query()).filter(time.Now(), pageSize)
	if err != nil {
		return err
	}
	page, err := c.deliveries.List(c.ctx, f)
	if err != nil {
		return err
	}
	return c.json(page)
}
