package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// notice is what an alarm posts to the webhook, as JSON. Text alone is what
// chat services show (Slack, Mattermost, Google Chat).
type notice struct {
	Alarm   string    `json:"alarm"` // stays the same while it stands: "breaker", "mailbox/us"
	State   string    `json:"state"` // raised, worse, standing, over, test
	Text    string    `json:"text"`
	Do      string    `json:"do,omitempty"`    // what mends it
	Level   int       `json:"level,omitempty"` // how bad it is, from 1 on
	Since   time.Time `json:"since"`
	At      time.Time `json:"at"`
	Service string    `json:"service"` // service.base_url
}

// webhookLimit bounds one post.
const webhookLimit = 10 * time.Second

// webhook posts to a URL, which is as good as a password at most services: it
// stands in no error and no log.
type webhook struct {
	url    string
	client *http.Client
}

func newWebhook(to string) *webhook {
	return &webhook{to, &http.Client{
		Timeout: webhookLimit,
		// A service that moved is to be configured anew, not followed to where
		// somebody else may listen.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// test posts a notice that is none.
func (w *webhook) test(ctx context.Context, service string) error {
	now := time.Now().UTC()
	return w.post(ctx, notice{
		Alarm: "test", State: "test", Text: "This is a test by signpost check.", Since: now, At: now, Service: service,
	})
}

// post hands one notice over; an error when it was not taken with a 2xx.
func (w *webhook) post(ctx context.Context, n notice) error {
	body, err := json.Marshal(n)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url, bytes.NewReader(body))
	if err != nil {
		return errors.New("the webhook's URL is none")
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := w.client.Do(req)
	if err != nil {
		if u := (*url.Error)(nil); errors.As(err, &u) {
			err = u.Err // the rest names the URL
		}
		return err
	}
	defer resp.Body.Close()
	io.Copy(io.Discard, io.LimitReader(resp.Body, 4<<10)) // so that the connection can be used again
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("the webhook answers %s", resp.Status)
	}
	return nil
}
