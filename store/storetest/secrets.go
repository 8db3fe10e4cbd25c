package storetest

import (
	"time"

	"signpost/store"
)

func secretStories() map[string]func(*desk) {
	return map[string]func(*desk){
		"A token is sealed anew unless it changed meanwhile":              tokenResealed,
		"The last link of a time is told, whether others came since":      linksUntil,
		"All sessions end at once, and the audit log tells how many":      allSessionsEnd,
		"All sessions end for who may change the installation's secret":   allSessionsEndByFew,
		"Links that are revoked or over do not keep the secret they need": linksOver,
	}
}

func tokenResealed(d *desk) {
	d.must(d.PutSealedToken(d.ctx, d.now, "oauth/a", []byte("old")))
	d.must(d.ResealToken(d.ctx, "oauth/a", []byte("old"), []byte("new")))
	d.same(string(must[[]byte](d)(d.SealedToken(d.ctx, "oauth/a"))), "new")
	d.wantErr(d.ResealToken(d.ctx, "oauth/a", []byte("old"), []byte("newer")), store.ErrConflict)
	d.wantErr(d.ResealToken(d.ctx, "oauth/b", []byte("old"), []byte("new")), store.ErrConflict)
	d.wantErr(d.ResealToken(d.ctx, "oauth/a", []byte("new"), nil), store.ErrConflict)
	d.same(string(must[[]byte](d)(d.SealedToken(d.ctx, "oauth/a"))), "new")
}

// minted is a link as store/ident makes them: milliseconds first.
func minted(at time.Time, last byte) (id store.LinkID) {
	for i, ms := 5, uint64(at.UnixMilli()); i >= 0; i, ms = i-1, ms>>8 {
		id[i] = byte(ms)
	}
	id[15] = last
	return id
}

// mintedLink opens a ticket whose link is minted now and ends after so long.
func (d *desk) mintedLink(last byte, lasts time.Duration) store.LinkID {
	d.Helper()
	id := minted(d.now, last)
	d.opens(func(n *store.NewTicket) { n.Link, n.LinkExpires = id, d.now.Add(lasts) })
	return id
}

func linksUntil(d *desk) {
	start := d.now
	d.same(must[time.Time](d)(d.LinksUntil(d.ctx, d.now, d.now)).IsZero(), true)
	d.mintedLink(1, 48*time.Hour)
	d.mintedLink(2, 24*time.Hour)
	d.pass(time.Hour)
	d.mintedLink(3, 480*time.Hour)
	d.same(must[time.Time](d)(d.LinksUntil(d.ctx, d.now, start)), store.Instant(start.Add(48*time.Hour)))
	d.same(must[time.Time](d)(d.LinksUntil(d.ctx, d.now, d.now)), store.Instant(d.now.Add(480*time.Hour)))
}

func linksOver(d *desk) {
	start := d.now
	d.mintedLink(1, 24*time.Hour)
	revoked := d.mintedLink(2, 96*time.Hour)
	d.must(d.RevokeLink(d.ctx, d.now, store.ByService(), revoked))
	d.same(must[time.Time](d)(d.LinksUntil(d.ctx, d.now, start)), store.Instant(start.Add(24*time.Hour)))
	d.pass(25 * time.Hour)
	d.same(must[time.Time](d)(d.LinksUntil(d.ctx, d.now, start)).IsZero(), true)
}

func allSessionsEnd(d *desk) {
	ana, bob := d.hires("ana@desk.example"), d.hires("bob@desk.example")
	sessions := []store.Session{d.signsIn(ana), d.signsIn(bob), d.signsIn(bob)}
	d.same(must[int](d)(d.EndAllSessions(d.ctx, d.now, omnipotent())), 3)
	for _, s := range sessions {
		_, _, err := d.Session(d.ctx, d.now, s.ID)
		d.wantErr(err, store.ErrNotFound)
	}
	row := d.logged(store.AuditQuery{})[0]
	if row.Event != store.AuditSecretRevoked || row.Count != 3 || row.Account != "all@desk.example" {
		d.Errorf("the audit log has %+v", row)
	}
}

func allSessionsEndByFew(d *desk) {
	session := d.signsIn(d.hires("ana@desk.example"))
	for name, by := range crowd() {
		if by.May(store.ActManageSecrets) && by.Sees("") {
			continue
		}
		if _, err := d.EndAllSessions(d.ctx, d.now, by); err == nil {
			d.Errorf("%s ended them", name)
		}
	}
	d.runs(session)
}
