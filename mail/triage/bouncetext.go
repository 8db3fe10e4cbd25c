package triage

import (
	"cmp"
	"encoding/json"
	"strings"

	"signpost/mail/header"
	"signpost/store"
)

// readBounce reads the reports that follow no standard: it must be a mail system
// that writes, by its name or its subject, and its words must be those of a
// bounce. Recipients come from where mail systems put them, best place first.
func (m *message) readBounce() bool {
	evidence, ok := m.bounceEvidence()
	if !ok {
		return false
	}
	n := m.readNotice()
	if len(m.namedIn(n)) == 0 && m.adoptInner(n) {
		return true
	}
	action := store.ActionFailed
	if m.stillTrying(n.words) {
		action = store.ActionDelayed
	}
	var list []finding
	for _, address := range m.bounced(n) {
		text := paragraphOf(n.words, address)
		if smtpReply(text) == "" && len(enhanced(text)) == 0 || poor(text) {
			text = strings.TrimSpace(text + "\n" + replyLines(n.words, address))
		}
		whole := text
		if poor(text) || (said{text: text}).why() == "onhold" {
			whole = text + "\n" + cut(n.words, maxReasonText)
		}
		command := lastCommand(text)
		if command == "" {
			command = lastCommand(n.words)
		}
		f := finding{recipient: address, diagnostic: text, said: said{action: action, text: whole, command: command}}
		if codes := enhanced(text); len(codes) > 0 {
			f.status = preferStatus("", text)
		}
		f.reply = smtpReply(text)
		list = append(list, f)
	}
	if len(list) == 0 {
		kind := store.KindBounce
		if action == store.ActionDelayed {
			kind = store.KindDelay
		}
		return m.decide(kind, evidence) // nobody named: still a bounce, seen and harmless
	}
	return m.settleReports(list, n, evidence)
}

// adoptInner takes over the reports of a bounce that a gateway wrapped into one of
// its own, which names nobody.
func (m *message) adoptInner(n notice) bool {
	if m.inner || m.header.Count("X-Failed-Recipients") > 0 {
		return false
	}
	from := strings.ToLower(n.original.Value("From"))
	media, _ := parseMedia(n.original.Value("Content-Type"))
	if media != "multipart/report" && !containsAny(from, "mailer-daemon", "postmaster", "mail delivery") {
		return false
	}
	inner := read([]byte(strings.TrimLeft(n.raw, " \t\r\n")), &Envelope{})
	inner.inner = true
	inner.readReports()
	if len(inner.reports) == 0 {
		return false
	}
	m.reports = inner.reports
	return m.decide(inner.report, "a wrapped report: "+inner.reason)
}

// systemSender tells whether a mail system wrote this mail.
func (m *message) systemSender() (string, bool) {
	if m.hasReturnPath && m.null {
		return "Return-Path: " + m.returnPath, true
	}
	if name, v, ok := m.header.First("X-Failed-Recipients"); ok {
		return name + ": " + v, true
	}
	if words, ok := m.robot(isDaemon); ok {
		return words, true
	}
	from := m.header.Value("From")
	low := strings.ToLower(from)
	system := containsAny(low, "mailer-daemon", "mail delivery", "mail deliver", "postmaster", "delivery subsystem",
		"system administrator", "mail administrator", "mail system")
	if system || strings.TrimSpace(low) == "<>" {
		return "From: " + from, true
	}
	return "", false
}

func (m *message) bounceSubject() bool {
	_, ok := phrasebook().prefix(m.folded, bounceSubject, delaySubject)
	return ok
}

// bounceEvidence tells a bounce without a standard form, and by which words.
func (m *message) bounceEvidence() (string, bool) {
	book := phrasebook()
	sender, system := m.systemSender()
	strict, bounced := book.prefix(m.folded, bounceSubject, delaySubject)
	if auto, ok := book.prefix(m.folded, autoSubject, receiptSubject); ok && !bounced {
		return "Subject: " + auto, false
	}
	if !system && !bounced && !m.returnsMail() && !strings.Contains(m.openingWords(), "@") {
		return "", false // told before the mail is taken apart, which most need not be
	}
	hint, hinted := book.prefix(m.folded, bounceHint)
	opening := m.noticeOpening()
	words, told := book.within(opening, bounceText)
	if !told {
		words, told = book.within(opening, delayText)
	}
	switch {
	case system && bounced:
		return sender + "; Subject: " + strict, true
	case system && told:
		return sender + "; " + words, true
	case system && hinted:
		return sender + "; Subject: " + hint, true
	case m.header.Count("X-Failed-Recipients") > 0:
		return sender, true
	}
	return m.shapeEvidence(system, bounced && !m.aboutGoods(strict), told, cmp.Or(words, strict))
}

// shapeEvidence tells a bounce that neither a mail system's name nor a usual subject
// shows: by what it says of an address, and by the mail it returns. A person who
// quotes a bounce speaks of mail of their own, or asks.
func (m *message) shapeEvidence(system, bounced, told bool, words string) (string, bool) {
	if system {
		failure, ok := m.namesFailure()
		return failure, ok
	}
	if _, robot := m.robot(isNoReply); robot && told && m.returnsMail() {
		return words + "; a returned mail", true
	}
	if !told || m.ownVoice() {
		return "", false
	}
	failure, failed := m.namesFailure()
	switch n := m.readNotice(); {
	case bounced && (failed || len(n.original) > 2 || smtpReply(n.words) != "" || len(enhanced(n.words)) > 0):
		return words, true
	case failed && (len(n.original) > 2 || !m.answers()):
		return words + "; " + failure, true
	}
	return "", false
}

// returnsMail tells whether the mail carries another as a part.
func (m *message) returnsMail() bool {
	for i := range m.parts {
		if isReturned(&m.parts[i]) {
			return true
		}
	}
	return false
}

// noticeOpening is the beginning of the readable text, folded.
func (m *message) noticeOpening() string {
	n := m.readNotice()
	return fold(cut(n.words, 8192))
}

// stillTrying tells a delay notice from a bounce.
func (m *message) stillTrying(words string) bool {
	book := phrasebook()
	if _, ok := book.prefix(m.folded, delaySubject); ok {
		return true
	}
	text := fold(cut(words, 8192))
	_, delayed := book.within(text, delayText)
	if !delayed {
		return false
	}
	_, final := book.within(text, bounceFinal)
	return !final
}

// bounced lists the recipients a report without a standard form is about.
func (m *message) bounced(n notice) []string {
	var named []string
	m.header.All("X-Failed-Recipients", func(v []byte) bool {
		for _, a := range header.Addresses(header.Unfold(v)) {
			if strings.Contains(a.Address, "@") {
				named = appendNew(named, a.Address)
			}
		}
		return true
	})
	if len(named) > 0 {
		return named
	}
	if named = m.namedIn(n); len(named) > 0 {
		return named
	}
	for _, name := range []string{"X-Original-To", "X-Rcpt-To", "To"} {
		n.original.All(name, func(v []byte) bool {
			for _, a := range header.Addresses(header.Unfold(v)) {
				if strings.Contains(a.Address, "@") {
					named = appendNew(named, a.Address)
				}
			}
			return len(named) < maxReports
		})
		if len(named) > 0 {
			break
		}
	}
	return named
}

func appendNew(list []string, address string) []string {
	for _, have := range list {
		if keyOf(have) == keyOf(address) {
			return list
		}
	}
	return append(list, address)
}

// namedIn lists the recipients a mail system's words name: those at the best of
// the places where any stands.
func (m *message) namedIn(n notice) []string {
	not := map[string]bool{}
	for _, a := range append(m.addresses("To", "Reply-To", "Delivered-To"), m.from...) {
		not[keyOf(a.Address)] = true
	}
	for _, name := range []string{"From", "Return-Path", "Sender", "Reply-To"} {
		for _, a := range header.Addresses(n.original.Value(name)) {
			not[keyOf(a.Address)] = true
		}
	}
	to := map[string]bool{}
	for _, a := range header.Addresses(n.original.Value("To")) {
		to[keyOf(a.Address)] = true
	}
	mentions := mentionsIn(n.words)
	for _, mention := range mentions {
		if mention.sender && !to[keyOf(mention.address)] {
			not[keyOf(mention.address)] = true
		}
	}
	for _, strict := range []bool{true, false} {
		for place := placeHead; place <= placeElsewhere; place++ {
			var list []string
			for _, mention := range mentions {
				key := keyOf(mention.address)
				if mention.place != place || mention.sender {
					continue
				}
				unlikely := strict && not[key] || isDaemon(mention.address)
				if unlikely && !to[key] {
					continue
				}
				list = appendNew(list, mention.address)
			}
			if len(list) > 0 {
				return list[:min(len(list), maxReports)]
			}
		}
	}
	return nil
}

// replyLines are the lines of a transcript that hold a server's refusal, those
// that name the address first.
func replyLines(words, address string) string {
	var own, others strings.Builder
	key := keyOf(address)
	for line := range strings.Lines(cut(words, 16<<10)) {
		if smtpReply(line) == "" && len(enhanced(line)) == 0 {
			continue
		}
		if strings.Contains(strings.ToLower(line), key) {
			own.WriteString(line)
		} else if len(addressesIn(line)) == 0 && others.Len() < maxDiagnostic {
			others.WriteString(line)
		}
	}
	if own.Len() > 0 {
		return own.String()
	}
	return others.String()
}

// mentions tells whether a readable part holds those words.
func (m *message) mentions(words string) bool {
	for i := range m.parts {
		if p := &m.parts[i]; p.isText() && strings.Contains(p.text(), words) {
			return true
		}
	}
	return false
}

// readNotification reads the JSON by which Amazon's mail service tells of bounces
// and complaints, when its topic is delivered as mail.
func (m *message) readNotification() bool {
	if !m.mentions(`"notificationType"`) && !m.mentions(`"eventType"`) {
		return false // told before the mail is taken apart, which most need not be
	}
	n := m.readNotice()
	at := strings.IndexByte(n.words, '{')
	if at < 0 || at > 2000 ||
		!strings.Contains(n.words, `"notificationType"`) && !strings.Contains(n.words, `"eventType"`) {
		return false
	}
	var note notification
	if json.NewDecoder(strings.NewReader(strings.ReplaceAll(n.words[at:], "\n", ""))).Decode(&note) != nil {
		return false
	}
	id := ""
	for _, h := range note.Mail.Headers {
		if strings.EqualFold(h.Name, "Message-ID") {
			id = header.FirstID(h.Value)
		}
	}
	if len(note.Complaint.Recipients) > 0 {
		for _, r := range note.Complaint.Recipients {
			m.complain(r.Address, note.Complaint.Type, id)
		}
		return m.decide(store.KindComplaint, "notificationType: Complaint")
	}
	var list []finding
	for _, r := range note.Bounce.Recipients {
		action := actionOf(r.Action)
		if action == "" {
			action = store.ActionFailed
		}
		list = append(list, finding{
			recipient: cut(header.Clean(r.Address), 320),
			said:      said{action: action, status: first(enhanced(r.Status)), text: r.Diagnostic},
		})
	}
	n.original = header.Header{{Name: []byte("Message-ID"), Value: []byte("<" + id + ">")}}
	return m.settleReports(list, n, "notificationType: Bounce")
}

type notification struct {
	Bounce struct {
		Recipients []struct {
			Address    string `json:"emailAddress"`
			Action     string `json:"action"`
			Status     string `json:"status"`
			Diagnostic string `json:"diagnosticCode"`
		} `json:"bouncedRecipients"`
	} `json:"bounce"`
	Complaint struct {
		Type       string `json:"complaintFeedbackType"`
		Recipients []struct {
			Address string `json:"emailAddress"`
		} `json:"complainedRecipients"`
	} `json:"complaint"`
	Mail struct {
		Headers []struct {
			Name  string `json:"name"`
			Value string `json:"value"`
		} `json:"headers"`
	} `json:"mail"`
}
