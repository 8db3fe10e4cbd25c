package verbs

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"signpost/store"
)

// What of the automatic answers came back: a share of the last ones that trips
// the breaker.

const answersKey = "answers"

// forgetTrip forgets what tripped the breaker.
func (t *txn) forgetTrip(now time.Time, r responderRecord) error {
	if len(r.Breaker) == len(digest{}) && r.Window > 0 {
		t.dropUsage(now, digest(r.Breaker), time.Duration(r.Window))
	}
	return t.delete(bMeta, []byte(answersKey))
}

func (t *txn) answersOut() (r answersRecord, err error) {
	if err = t.record(bMeta, []byte(answersKey), &r); errors.Is(err, store.ErrNotFound) {
		err = nil
	}
	return r, err
}

// watchAnswer adds an automatic answer that went out, or was refused, to those of
// which the share that comes back is watched.
func (t *txn) watchAnswer(mail store.Outbound) error {
	if !mail.Kind.Answers() {
		return nil
	}
	r, err := t.answersOut()
	if err != nil {
		return err
	}
	r.Out = append(r.Out, uint64(mail.ID))
	if over := len(r.Out) - store.AnswersWatched; over > 0 {
		gone := r.Out[:over]
		r.Out = r.Out[over:]
		r.Back = slices.DeleteFunc(r.Back, func(id uint64) bool { return slices.Contains(gone, id) })
	}
	return t.putRecord(bMeta, []byte(answersKey), &r)
}

// answerCameBack notes that an automatic answer came back, where it is still
// watched. A mail meets several bad fates at most: it is noted once.
func (t *txn) answerCameBack(mail store.Outbound) error {
	if !mail.Kind.Answers() {
		return nil
	}
	r, err := t.answersOut()
	id := uint64(mail.ID)
	if err != nil || !slices.Contains(r.Out, id) || slices.Contains(r.Back, id) {
		return err
	}
	r.Back = append(r.Back, id)
	return t.putRecord(bMeta, []byte(answersKey), &r)
}

// returned tells how many of the parties watched had their answer come back, "" when
// that is within the limit.
func (t *txn) returned(limit store.ReturnLimit) (string, error) {
	r, err := t.answersOut()
	// There are no more parties than answers.
	if err != nil || limit.Percent <= 0 || len(r.Back) < limit.Parties {
		return "", err
	}
	var all, came [][]string
	for _, id := range r.Out {
		mail, err := t.outbound(store.OutboundID(id))
		if err != nil {
			return "", wrap("answer watched", id, err)
		}
		all = append(all, mail.Parties)
		if slices.Contains(r.Back, id) {
			came = append(came, mail.Parties)
		}
	}
	back, parties := store.CountParties(came), store.CountParties(all)
	if !limit.Passed(len(r.Out), back, parties) {
		return "", nil
	}
	return fmt.Sprintf("the answers to %d of the last %d unrelated senders came back", back, parties), nil
}

// answers checks that what is watched are automatic answers, each once.
func (c *checker) answers() error {
	r, err := c.answersOut()
	if err != nil {
		return err
	}
	for i, id := range r.Out {
		if row, err := c.outbound(store.OutboundID(id)); err != nil || !row.Kind.Answers() || slices.Contains(r.Out[:i], id) {
			c.fault("answer watched: %d, %v", id, err)
		}
	}
	for i, id := range r.Back {
		if !slices.Contains(r.Out, id) || slices.Contains(r.Back[:i], id) {
			c.fault("answer that came back: %d is not watched", id)
		}
	}
	if len(r.Out) > store.AnswersWatched {
		c.fault("%d answers are watched", len(r.Out))
	}
	return nil
}
