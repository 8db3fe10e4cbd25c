package form

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"

	"signpost/intake/web"
	"signpost/store"
	"signpost/store/origin"
)

// An open page follows its ticket by a stream of live events (web.Events), whose topic is
// the link that it was opened by: a link that opens nothing any more ends its streams.

const topicPage = "page"

// How many streams are open at a time: of one link, from the smallest network (a wider one
// has its share, see origin.Networks), and in all.
const (
	streamsPerLink    = 6
	streamsPerNetwork = 60
	streamsOfPartners = 1500
)

// goneVersion is the version of a page whose link opens nothing any more.
const goneVersion = 1

func (f *Form) addTopic(e *web.Events) {
	e.Add(web.Topic{Name: topicPage, Watch: f.watchPage})
}

// followTicket answers with the stream of one ticket's page, once its address is proven.
func (f *Form) followTicket(x *web.Exchange) error {
	door, err := f.openDoor(x)
	switch {
	case errors.Is(err, errForged):
		return &web.Fault{Status: http.StatusNotFound, Err: err}
	case errors.Is(err, store.ErrNotFound):
		return &web.Fault{Status: http.StatusGone, Err: err}
	case err != nil:
		return err
	case !door.Proven():
		return errUnproven()
	}
	link, _ := f.linkOf(x) // openDoor verified it
	bounds := []web.Bound{{Key: topicOf(link), Most: streamsPerLink}, {Key: "partners", Most: streamsOfPartners}}
	for _, n := range origin.Networks(x.Remote()) {
		bounds = append(bounds, web.Bound{Key: "network/" + n.String(), Most: streamsPerNetwork * n.Share})
	}
	return x.FollowAs(topicOf(link), bounds, func() bool {
		_, err := f.provenBehind(x.Request.Context(), link)
		return err == nil
	})
}

func topicOf(link store.LinkID) string { return topicPage + "/" + hex.EncodeToString(link[:]) }

// provenBehind is the door behind a link, whose address is proven.
func (f *Form) provenBehind(ctx context.Context, link store.LinkID) (store.Door, error) {
	door, err := f.deps.Tickets.Door(ctx, store.Instant(time.Now()), link)
	if err == nil && !door.Proven() {
		err = fmt.Errorf("the address is not proven: %w", store.ErrNotFound)
	}
	return door, err
}

// watchPage calls changed with each version of the page behind a link, until ctx ends.
func (f *Form) watchPage(ctx context.Context, name string, changed func(version uint64)) {
	var link store.LinkID
	if _, err := hex.Decode(link[:], []byte(name[len(topicPage)+1:])); err != nil {
		return // followTicket gave no such name
	}
	door, err := f.provenBehind(ctx, link)
	if err != nil {
		changed(goneVersion)
		return
	}
	news, leave, err := f.feed.follow(ctx, door.Ticket.ID)
	if err != nil {
		return
	}
	defer leave()
	for last := uint64(0); ; {
		version, next, err := f.look(ctx, link)
		if err == nil && version != last {
			changed(version)
			last = version
		}
		if err != nil {
			next = feedRetry
		}
		ages := time.NewTimer(next)
		select {
		case <-news:
		case <-ages.C:
		case <-ctx.Done():
		}
		if ages.Stop(); ctx.Err() != nil {
			return
		}
	}
}

// look is the version of the page behind a link, and after how long it is to be looked at
// again though nothing is committed.
func (f *Form) look(ctx context.Context, link store.LinkID) (at uint64, next time.Duration, err error) {
	door, err := f.provenBehind(ctx, link)
	if errors.Is(err, store.ErrNotFound) {
		return goneVersion, time.Hour, nil
	}
	if err != nil {
		return 0, 0, err
	}
	now := time.Now()
	part, err := f.deps.Tickets.ShownBefore(ctx, now, door.Ticket.ID, 0, messagesAtOnce+1)
	return version(door, part, now), agesIn(door.Ticket, now), err
}

// version is a number that differs when what the page shows of a ticket does: the newest part
// of its thread. What is support's own does not move it: a page does not even hear that a note
// was written.
func version(door store.Door, newest store.ThreadPart, now time.Time) uint64 {
	k := door.Ticket
	last, mails := uint32(0), deliveriesOf(door, newest.Mails)
	for _, e := range newest.Entries {
		last = e.Seq
	}
	sum := fnv.New64a()
	fmt.Fprintln(sum, last, standingOf(k, now), shownStatus(k, now), k.Rating.Score, k.FollowedBy)
	if !door.OfColleague() {
		fmt.Fprintln(sum, colleaguesOf(k))
	}
	for _, seq := range slices.Sorted(maps.Keys(mails)) {
		fmt.Fprintln(sum, seq, mails[seq].State)
	}
	return sum.Sum64() | 1<<63 // neither 0 nor goneVersion
}

// agesIn is after how long a ticket's page differs though nothing is written: a reply may
// no longer be taken back, a promise is missed, the ticket is closed.
func agesIn(k store.Ticket, now time.Time) time.Duration {
	next := now.Add(time.Hour)
	for _, at := range []time.Time{
		k.LastPublicAt, k.Promise.FirstResponseBy, k.Promise.ResolutionBy, k.Promise.NextUpdateBy, k.ReopenUntil(),
	} {
		if at.After(now) && at.Before(next) {
			next = at
		}
	}
	return next.Sub(now) + time.Millisecond // visible from that instant on
}

// versionText is a version as pages and events write it.
func versionText(version uint64) string { return strconv.FormatUint(version, 10) }
