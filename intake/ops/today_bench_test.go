package ops_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"signpost/store"
	"signpost/store/verbs"
)

// yearOfCounts leaves a year with something in every hour, and a day in which
// mail goes to 5,000 domains, as many every hour as are counted by name. It
// returns the day.
func (h *house) yearOfCounts(regions []store.Region) time.Time {
	h.Helper()
	day := time.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, -1)
	for _, r := range regions {
		if _, err := h.db.ConnectMailbox(h.Context(), day.AddDate(-2, 0, 0), r.Mailbox); err != nil {
			h.Fatal(err)
		}
		for month := range 12 {
			var mails []verbs.Arriving
			var tickets []verbs.Opening
			begin := day.AddDate(0, 0, -30*month)
			for hour := range 30 * 24 {
				at := begin.Add(time.Duration(24-hour) * time.Hour)
				tickets = append(tickets, h.settled(at, r.ID))
				mails = append(mails, h.stray(at, r, store.Verdict{Kind: store.KindList, Rules: []store.Rule{
					{ID: fmt.Sprint("rule-", hour%30), Effect: store.EffectStop},
				}}))
			}
			_, err1 := h.db.OpenTickets(h.Context(), tickets)
			_, err2 := h.db.FillLedger(h.Context(), mails)
			if err := errors.Join(err1, err2); err != nil {
				h.Fatal(err)
			}
		}
	}
	for hour := range 24 {
		mails := make([]verbs.Arriving, store.DomainsCounted)
		for i := range mails {
			at := day.Add(time.Duration(hour) * time.Hour)
			mails[i] = h.stray(at, regions[0], store.Verdict{Kind: store.KindDirect, Answer: true})
			mails[i].Decision.Answer = &store.Outbound{
				Kind: store.MailAutoResponse, Region: regions[0].ID, From: "us@desk.example",
				To: fmt.Sprintf("ann@d%d.example", (hour*1000+i)%5000), MessageID: fmt.Sprintf("a%d@desk.example", h.uid),
			}
		}
		if _, err := h.db.FillLedger(h.Context(), mails); err != nil {
			h.Fatal(err)
		}
	}
	return day
}

func (h *house) stray(at time.Time, r store.Region, v store.Verdict) verbs.Arriving {
	h.uid++
	raw := fmt.Appendf(nil, "mail %d", h.uid)
	return verbs.Arriving{
		Now: at,
		Mail: store.NewInbound{
			Mailbox: r.Mailbox, UIDValidity: 1, UID: h.uid, InternalDate: at, Hash: sha256.Sum256(raw), Raw: raw,
		},
		Decision: store.Decision{Verdict: v}, Answered: store.Finish{State: store.StateSent},
	}
}

// BenchmarkToday shows a day out of a full year of counts, with 5,000 domains.
func BenchmarkToday(b *testing.B) {
	for _, n := range []int{1, 10} {
		regions := make([]store.Region, n)
		for i := range regions {
			id := fmt.Sprint("r", i)
			regions[i] = store.Region{ID: id, Name: id, Mailbox: id, Zone: "America/New_York"}
		}
		h := open(b, regions...)
		day := h.yearOfCounts(regions)
		domains, err := h.db.ReceivingDomains(b.Context(), day, day.AddDate(0, 0, 1), store.Page{Limit: 1})
		if err != nil || domains.Named != 5000 {
			b.Fatalf("%d domains, %v", domains.Named, err)
		}
		date := day.Format(time.DateOnly)
		for _, path := range []string{"/ops/today", "/ops/today?day=" + date, "/ops/today?region=r0&day=" + date} {
			b.Run(fmt.Sprintf("regions=%d%s", n, path[4:]), func(b *testing.B) {
				for b.Loop() {
					if w := h.do("GET", path, nil); w.Code != http.StatusOK {
						b.Fatal(w.Code)
					}
				}
			})
		}
	}
}
