// A consumer mounts a panel that refuses everybody.
package main

import (
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/ringhook/webhook/panel"
)

func main() {
	p, err := panel.New(panel.Config{
		Open: func(panel.Access) (panel.Deliveries, panel.Webhooks, error) {
			return nil, nil, errors.New("nothing is stored")
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	answer := httptest.NewRecorder()
	p.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/deliveries", nil))
	if answer.Code != http.StatusForbidden {
		log.Fatal("status ", answer.Code)
	}
	fmt.Println("nobody sees anything without an Authorize")
}
