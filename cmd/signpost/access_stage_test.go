package main

import (
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"signpost/store"
	"signpost/store/ident"
)

// accessObjects are what a route is asked about.
var accessObjects = []string{
	"page",    // nothing: a page of its own, or a list
	"own",     // a ticket in the region us that the asker answers or opened, and what belongs to it
	"other",   // the same of another agent, or of another partner
	"far",     // a ticket in the region intl
	"crossed", // the path names a ticket of the asker's, the rest something of one of another region
	"inner",   // the path names a ticket of the asker's, the rest what partners are not shown of it
	"closed",  // a ticket as own, solved 15 days ago
	"canary",  // the ticket of the service's trial of itself
	"guessed", // what is not there
}

// accessStage is an object as one kind of who comes to it: a ticket with a message and its
// file, an answer that waits for undo and a note with its file, all with words that no other
// ticket has.
type accessStage struct {
	w           *accessWorld
	who, object string
	made        time.Time
	ticket      store.Ticket
	link        store.LinkID // that the ticket was opened with
	reply       store.Outbound
	note        uint32
	mark        string // in all that partners and staff are shown
	query       string // beside it, and what may be asked for
	inner       string // in what staff alone are
	session     string
	cookies     []*http.Cookie
	token       string
	crossed     *accessStage
	numbers     map[string]string
}

// stageKept is how long a stage is used: its answer is for staff alone until the time to take
// it back is over, however slow the machine is.
const stageKept = store.MaxUndo / 3

// stage makes an object for a who. One for whom nothing is changed is used again.
func (w *accessWorld) stage(who, object string, fresh bool) *accessStage {
	key := who + " " + object
	s := w.stages[key]
	if s == nil || fresh || time.Since(s.made) > stageKept {
		s = w.newStage(who, object, fresh)
	}
	if fresh {
		s.session = w.signIn(who)
		return s
	}
	w.stages[key] = s
	if w.sessions[who] == "" {
		w.sessions[who] = w.signIn(who)
	}
	s.session = w.sessions[who]
	return s
}

func (w *accessWorld) newStage(who, object string, fresh bool) *accessStage {
	s := &accessStage{w: w, who: who, object: object, made: time.Now(), numbers: map[string]string{}}
	n := strings.ToLower(rand.Text()[:10])
	s.mark, s.inner, s.query = "zebra"+n, "walrus"+n, "lion"+n
	if object != "page" && object != "guessed" && object != "canary" {
		s.write()
	}
	if object == "canary" {
		s.ticket, s.mark, s.query = w.canary, "canarymark", "canary"
	}
	if object == "crossed" {
		s.crossed = w.stage(who, "far", fresh)
	}
	s.token = s.tokenOf()
	return s
}

func (s *accessStage) must(err error) {
	if err != nil {
		s.w.t.Helper()
		s.w.t.Fatalf("%s, %s: %v", s.who, s.object, err)
	}
}

// write opens the ticket and writes into it.
func (s *accessStage) write() {
	db, ctx, now := s.w.app.db, s.w.t.Context(), time.Now()
	region, who := s.w.region("us"), accessWhos[s.who]
	if s.object == "far" {
		region = s.w.region("intl")
	}
	began := now.Add(-time.Hour)
	if s.object == "closed" {
		began = now.Add(-20 * 24 * time.Hour)
	}
	expires := now.Add(time.Hour)
	if who.link == linkExpired {
		expires = began.Add(time.Minute)
	}
	opened, err := db.OpenTicket(ctx, began, store.NewTicket{
		Region: region, Channel: store.ChannelForm,
		Requester: store.Contact{
			Name: "Partner " + s.mark, Email: s.mark + "@example.net", Country: "US", Lang: "en",
		},
		Title: "Title " + s.query + " " + s.mark, Body: "Message " + s.mark,
		Files: []store.File{s.file("message-" + s.mark)},
		Link:  ident.NewLink(began), LinkExpires: expires,
		MessageID: s.w.app.ring.MessageID(began, store.MailConfirmation, "example.com"),
	})
	s.must(err)
	s.ticket, s.link = opened.Ticket, opened.Ticket.Link
	if who.link != linkUnproven {
		_, err = db.ProveAddress(ctx, began, store.ByService(), s.ticket.Link)
		s.must(err)
	}
	s.addColleague(region, began, expires)
	author := s.w.author
	if s.object != "other" && who.answers(region.ID) {
		author = s.w.staff[s.who]
	}
	s.answer(author.Actor(), region, began.Add(time.Minute), now)
	if s.object == "closed" {
		_, err = db.SetStatus(ctx, now.Add(-15*24*time.Hour), author.Actor(), s.ticket.ID, store.StatusSolved)
		s.must(err)
	}
	if who.link == linkRevoked {
		s.must(db.RevokeLinks(ctx, now, store.ByService(), s.ticket.ID))
	}
	s.ticket, err = db.Ticket(ctx, s.ticket.ID)
	s.must(err)
}

// addColleague names a colleague of the ticket, whose link the who may hold.
func (s *accessStage) addColleague(region store.Region, at, expires time.Time) {
	db, ctx, link := s.w.app.db, s.w.t.Context(), ident.NewLink(at)
	_, err := db.AddColleague(ctx, at, store.ByService(), store.NewColleague{
		Ticket: s.ticket.ID, Email: "colleague" + s.mark + "@example.net", Reason: "Reason " + s.inner,
		Mailing: store.Mailing{
			Region: region, Link: link, LinkExpires: expires,
			MessageID: s.w.app.ring.MessageID(at, store.MailColleague, "example.com"),
		},
	})
	s.must(err)
	switch accessWhos[s.who].guest {
	case guestActs:
		_, err = db.ProveAddress(ctx, at, store.ByService(), link)
		s.must(err)
		s.link = link
	case guestInvited:
		s.link = link
	}
}

// answer writes a note and an answer, which can still be taken back but for that of a closed
// ticket.
func (s *accessStage) answer(by store.Actor, region store.Region, at, now time.Time) {
	db, ctx := s.w.app.db, s.w.t.Context()
	noted, err := db.Note(ctx, at, by, store.NewNote{
		Ticket: s.ticket.ID, Body: "Note " + s.inner, Files: []store.File{s.file("note-" + s.inner)},
	})
	s.must(err)
	s.note = noted.Entry.Seq
	_, err = db.SetTags(ctx, at, by, s.ticket.ID, []string{s.mark}) // which the audit log tells of
	s.must(err)
	words := "Reply " + s.mark
	if s.object != "closed" {
		at, words = now, "Reply "+s.inner // partners are not shown it yet
	}
	done, err := db.Reply(ctx, at, by, store.NewReply{
		Ticket: s.ticket.ID, Body: words, Then: store.StatusOpen, Force: true, Undo: store.MaxUndo,
		Region: region, Link: ident.NewLink(at), LinkExpires: now.Add(time.Hour),
		MessageID: s.w.app.ring.MessageID(at, store.MailReply, "example.com"),
		Copies:    s.w.app.ring.Copies(at, store.MailReply, "example.com"),
	})
	s.must(err)
	s.reply = done.Mail
}

func (s *accessStage) file(name string) store.File {
	return store.File{Name: name + ".txt", Size: int64(len(fileMark)), Type: "text/plain", Hash: s.w.hash}
}

// tokenOf is what the who has to put where a link's token stands: their own where they hold
// one, or the best that they can make of what they know.
func (s *accessStage) tokenOf() string {
	holds, ring := accessWhos[s.who].link != "", s.w.app.ring
	switch {
	case s.object == "page", s.object == "guessed":
		token := []byte(ring.LinkToken(ident.NewLink(time.Now())))
		token[len(token)-3] ^= 1 // its MAC is not ours
		return string(token)
	case holds && (s.object == "other" || s.object == "far"):
		own := s.w.stage(s.who, "own", false)
		return spliced(ring.LinkToken(s.link), own.token)
	case holds:
		return ring.LinkToken(s.link)
	}
	return s.ticket.Number
}

// spliced is the id of one token with the MAC of another.
func spliced(id, mac string) string {
	a, err1 := base64.RawURLEncoding.DecodeString(id)
	b, err2 := base64.RawURLEncoding.DecodeString(mac)
	if err1 != nil || err2 != nil || len(a) != len(b) || len(a) < 32 {
		return id[:len(id)/2] + mac[len(mac)/2:]
	}
	return base64.RawURLEncoding.EncodeToString(append(a[:16:16], b[16:]...))
}

// value is what a field of the file stands for: itself, or with a "$" what the object has.
func (s *accessStage) value(text string) string {
	text = strings.ReplaceAll(text, "+", " ")
	return regexp.MustCompile(`\$[a-z]+`).ReplaceAllStringFunc(text, func(name string) string { return s.named(name[1:]) })
}

func (s *accessStage) named(name string) string {
	at := s // of what the rest of the address names
	if s.crossed != nil {
		at = s.crossed
	}
	switch name {
	case "number":
		return cmp.Or(s.ticket.Number, "US-987654")
	case "id":
		return strconv.FormatUint(uint64(cmp.Or(s.ticket.ID, 1<<40)), 10)
	case "token":
		return s.token
	case "entry":
		if s.object == "inner" {
			return strconv.Itoa(int(s.note))
		}
		if s.object == "crossed" || s.object == "guessed" {
			return "77"
		}
		return "1"
	case "reply":
		return strconv.FormatUint(uint64(cmp.Or(at.reply.ID, 1<<40)), 10)
	case "address":
		return cmp.Or(s.ticket.Requester.Email, "none@example.net")
	case "fresh":
		return strings.ToLower(rand.Text()) + "@example.org"
	case "query":
		return s.query
	case "self":
		return s.w.staff[s.who].Email
	case "password":
		return s.w.password
	case "preview":
		return at.preview()
	case "folder":
		return filepath.Join(s.w.t.TempDir(), "backup")
	case "received":
		return s.received()
	}
	return s.ofOps(name)
}

// preview is the id of the HTML of a preview that the who has just made of the ticket, or
// that of another where they could make none: an account's last alone is kept.
func (s *accessStage) preview() string {
	who, session := s.who, s.session
	if !accessWhos[who].answers(s.ticket.Region) || s.ticket.Number == "" {
		who, session = "everywhere", s.w.stage("everywhere", "page", false).session
	}
	number := s.ticket.Number
	if number == "" || s.object == "canary" {
		return "PREVIEW"
	}
	r := s.w.request("POST", "/desk/tickets/"+number+"/preview", map[string]string{"body": "Preview " + s.inner}, formPage)
	r.AddCookie(&http.Cookie{Name: "session", Value: session})
	page := httptest.NewRecorder()
	s.w.public.ServeHTTP(page, r)
	found := regexp.MustCompile(`/preview/([A-Z0-9]+)`).FindStringSubmatch(page.Body.String())
	if found == nil {
		s.w.t.Fatalf("%s, %s: no preview: %d\n%.2000s", who, s.object, page.Code, page.Body)
	}
	return found[1]
}

// received is the token of the page on which a request was received that the who has sent;
// all but its sender come without the cookie of the browser that sent it.
func (s *accessStage) received() string {
	if s.object == "guessed" {
		return s.token
	}
	if s.numbers["received"] != "" {
		return s.numbers["received"]
	}
	r := s.w.request("POST", "/contact", map[string]string{
		"name": "Partner", "email": s.mark + "@example.net", "country": "US", "description": "Message " + s.mark,
		"title": "Title " + s.mark,
	}, formJSON)
	rec := httptest.NewRecorder()
	s.w.public.ServeHTTP(rec, r)
	token, ok := strings.CutPrefix(rec.Header().Get("Location"), "/contact/received/")
	if rec.Code != http.StatusCreated || !ok {
		s.w.t.Fatalf("POST /contact: %d\n%.500s", rec.Code, rec.Body)
	}
	s.numbers["received"] = token
	switch {
	case accessWhos[s.who].sent && s.object == "own":
		s.cookies = rec.Result().Cookies()
	case accessWhos[s.who].sent: // with the cookie of their own
		own := s.w.stage(s.who, "own", false)
		own.received()
		s.cookies = own.cookies
	}
	return token
}

// freshSession is a token of a session as a browser keeps it, and what the store knows it by.
func freshSession() (string, store.SessionID) {
	raw := make([]byte, 32)
	rand.Read(raw)
	token := base64.RawURLEncoding.EncodeToString(raw)
	sum := sha256.Sum256([]byte("session " + token))
	return token, store.SessionID(sum[:16])
}

func (w *accessWorld) addCanary() {
	now, ring := time.Now(), w.app.ring
	us := w.region("us")
	us.ID, us.Prefix = store.OwnRegion, "CANARY"
	run, err := w.app.db.BeginCanary(w.t.Context(), now, store.NewCanary{
		Region: "us", Mark: "mark",
		Ticket: store.NewTicket{
			Region: us, Channel: store.ChannelCanary, Title: "canarymark", Body: "canarymark",
			Requester: store.Contact{Name: "canarymark", Email: "canary@example.com", Lang: "en"},
			Link:      ident.NewLink(now), LinkExpires: now.Add(time.Hour),
			MessageID: ring.MessageID(now, store.MailConfirmation, "example.com"),
		},
		Stray: store.NewMail{
			Kind: store.MailCanary, From: "canary@example.com", To: us.Address, Mark: "mark",
			MessageID: "canary@example.com", Subject: "canarymark", Text: "canarymark",
		},
	})
	if err == nil {
		w.canary, err = w.app.db.Ticket(w.t.Context(), run.Ticket)
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// ofOps makes what the pages of ops name: mails, alarms, suppressions.
func (s *accessStage) ofOps(name string) string {
	if s.object == "guessed" {
		return "1099511627776"
	}
	if s.numbers[name] == "" {
		id, err := s.makeForOps(name)
		s.must(err)
		s.numbers[name] = strconv.FormatUint(id, 10)
	}
	return s.numbers[name]
}

func (s *accessStage) makeForOps(name string) (uint64, error) {
	db, ctx, now := s.w.app.db, s.w.t.Context(), time.Now()
	switch name {
	case "inbound":
		return s.inbound(now)
	case "alarm":
		a, err := db.RaiseAlarm(ctx, now, store.Trouble{Key: s.mark, What: s.mark, Do: s.mark, Level: 1})
		return uint64(a.ID), err
	case "suppression":
		held, err := db.SuppressAddress(ctx, now, store.ByCommandLine("root"), store.Suppression{
			Address: s.mark + "@example.org", Scope: store.ScopeAll,
		})
		return uint64(held.ID), err
	case "mail":
		return uint64(s.reply.ID), nil
	}
	return 0, fmt.Errorf("%w: the file's value $%s", errors.ErrUnsupported, name)
}

// inbound is a mail that came in, with the object's words in it.
func (s *accessStage) inbound(now time.Time) (uint64, error) {
	db, ctx := s.w.app.db, s.w.t.Context()
	box, err := db.ConnectMailbox(ctx, now, "us")
	if err != nil {
		return 0, err
	}
	if box.UIDValidity == 0 {
		if _, err := db.BeginEpoch(ctx, now, "us", 1); err != nil {
			return 0, err
		}
	}
	s.w.asked++
	raw := []byte("From: a@example.net\r\nSubject: " + s.mark + "\r\n\r\n" + s.mark + "\r\n")
	rows, err := db.RecordInbound(ctx, now, []store.NewInbound{{
		Mailbox: "us", UIDValidity: 1, UID: uint32(s.w.asked), InternalDate: now, Size: int64(len(raw)),
		Hash: sha256.Sum256(raw), MessageID: s.mark + "@example.net", From: "a@example.net", Subject: s.mark, Raw: raw,
	}})
	if err != nil {
		return 0, err
	}
	return uint64(rows[0].ID), nil
}
