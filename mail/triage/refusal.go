package triage

import (
	"slices"
	"strings"

	"signpost/mail/header"
	"signpost/store"
	"signpost/store/text"
)

// readRefusal knows disposition notifications by which a mail was refused after it
// had been taken (RFC 5429 section 2.2, RFC 8098 section 3.2.6): Dovecot's and other
// filters' say "deleted" and give the reason in words. Of a mail that a person
// deleted unread they say "deleted" too, so the words decide.
func (m *message) readRefusal() bool {
	for i := range m.parts {
		p := &m.parts[i]
		if p.media != "message/disposition-notification" && p.media != "message/global-disposition-notification" {
			continue
		}
		said := string(decodeTransfer(p.header.Value("Content-Transfer-Encoding"), p.body, maxText))
		fields := feedbackFields(said)
		mode, kind, _ := strings.Cut(strings.ToLower(fields.last("disposition")), ";")
		if !strings.Contains(mode, "automatic") {
			return false
		}
		kind, _, _ = text.CutAny(strings.TrimSpace(kind), "/,; ")
		n := m.readNotice()
		words, refused := phrasebook().within(fold(cut(n.words, 8192)), refusalText)
		if !refused && !slices.Contains([]string{"failed", "denied"}, kind) || kind == "displayed" {
			return false
		}
		list := parseStatus(said)
		for i := range list {
			list[i].action = store.ActionFailed
			if list[i].text = paragraphOf(n.words, list[i].recipient); list[i].text == "" {
				list[i].text = cut(n.words, maxDiagnostic)
			}
		}
		if id := header.FirstID(fields.last("original-message-id")); id != "" && n.original.Value("Message-ID") == "" {
			n.original = header.Header{{Name: []byte("Message-ID"), Value: []byte("<" + id + ">")}}
		}
		evidence := "a refusal told as a disposition notification: " + kind + "; " + words
		return m.settleReports(m.explain(list, n), n, evidence) || m.decide(store.KindBounce, evidence)
	}
	return false
}

// namesFailure tells a mail system's words that name a failed address: a server's
// refusal beside it, or a reason that speaks of addresses.
func (m *message) namesFailure() (string, bool) {
	n := m.readNotice()
	if !strings.Contains(n.words, "@") {
		return "", false
	}
	for _, address := range m.namedIn(n) {
		text := paragraphOf(n.words, address)
		if smtpReply(text) != "" || len(enhanced(text)) > 0 {
			return cut(text, maxDiagnostic), true
		}
		switch (said{text: text, action: store.ActionFailed}).why() {
		case "userunknown", "hostunknown", "mailboxfull", "suspend", "hasmoved", "notaccept", "filtered":
			return cut(text, maxDiagnostic), true
		}
	}
	return "", false
}

// ownVoice tells words in which a person speaks of mail of their own: bounces speak
// of ours.
func (m *message) ownVoice() bool {
	return m.asks() || m.anySentence(func(s *sentence) bool { return s.has(senderVoice) })
}
