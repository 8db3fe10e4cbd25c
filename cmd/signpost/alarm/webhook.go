package alarm

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

// Notice is what an alarm posts to the webhook, as JSON. Text alone is what
// chat services show (Slack, Mattermost, Google Chat).
type Notice struct {
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

// Webhook posts to a URL, which is as good as a password at most services: it
// stands in no error and no log.
type Webhook struct {
	url    string
	client *http.Client
}

// NewWebhook posts to a URL.
func NewWebhook(to string) *Webhook {
	return &Webhook{to, &http.Client{
		Timeout: webhookLimit,
		// A service that moved is to be configured anew, not followed to where
		// another party may listen.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Test posts a notice that tells of no alarm.
func (w *Webhook) Test(ctx context.Context, service string) error {
	now := time.Now().UTC()
	return w.Post(ctx, Notice{
		Alarm: "test", State: "test", Text: "This is a test by signpost check.", Since: now, At: now, Service: service,
	})
}

// Post hands one notice over; an error when it was not taken with a 2xx.
func (w *Webhook) Post(ctx context.Context, n Notice) error {
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
