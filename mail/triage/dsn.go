package triage

import (
	"slices"
	"strings"

	"signpost/mail/header"
	"signpost/store"
	"signpost/store/addr"
)

// readStatus reads standard delivery reports (RFC 3464, RFC 6533), wherever they
// stand: as a part of multipart/report, of another multipart, or pasted as text.
func (m *message) readStatus() bool {
	_, system := m.systemSender()
	reports := system || m.bounceSubject() // else what stands in the text, somebody quotes
	if !reports && !slices.ContainsFunc(m.parts, func(p part) bool { return isStatusPart(p.media) }) {
		return false
	}
	n := m.readNotice()
	for i := range m.parts {
		p := &m.parts[i]
		if !isStatusPart(p.media) {
			continue
		}
		decoded := decodeTransfer(p.header.Value("Content-Transfer-Encoding"), p.body, maxText)
		text := dropControls(header.ToUTF8(p.params.get("charset"), decoded))
		status, returned := cutReturned(text)
		n.setOriginal(returned)
		if list := parseStatus(status); len(list) > 0 {
			return m.settleReports(m.explain(list, n), n, "part "+p.media)
		}
	}
	if !reports || !strings.Contains(n.words, "-Recipient") && !strings.Contains(n.words, "-recipient") {
		return false
	}
	list := parseStatus(n.words)
	return m.settleReports(m.explain(list, n), n, "Final-Recipient in the text")
}

func isStatusPart(media string) bool {
	switch media {
	case "message/delivery-status", "message/global-delivery-status", "message/xdelivery-status":
		return true
	}
	return false
}

// parseStatus reads the per-recipient blocks of a delivery-status text. Blocks
// are told by their recipient field rather than by blank lines, which get lost
// and added on the way.
func parseStatus(text string) []finding {
	var r statusReader
	for name, value := range statusFields(text) {
		r.take(name, value)
		if len(r.list) >= maxReports {
			return r.list
		}
	}
	r.end()
	return r.list
}

// statusReader collects the blocks of a delivery-status text; f is the one being read.
type statusReader struct {
	list []finding
	f    finding
}

// end ends a block, which counts where it names a recipient.
func (r *statusReader) end() {
	if r.f.recipient != "" || r.f.original != "" {
		r.list = append(r.list, r.f)
	}
	r.f = finding{}
}

func (r *statusReader) take(name, value string) {
	switch name {
	case "original-recipient":
		if r.f.original != "" {
			r.end()
		}
		r.f.original = typedAddress(value)
	case "final-recipient", "x-actual-recipient":
		if r.f.recipient != "" && name == "final-recipient" {
			r.end()
		}
		if r.f.recipient == "" {
			r.f.recipient = typedAddress(value)
		}
	case "action":
		r.f.action = actionOf(value)
	case "status":
		r.f.takeStatus(value)
	case "diagnostic-code":
		r.f.takeDiagnostic(value)
	case "":
		if r.f.recipient != "" && r.f.action != "" { // a blank line ends a complete block
			r.end()
		}
	}
}

// takeStatus reads the code, and the comment that some write behind it.
func (f *finding) takeStatus(value string) {
	if codes := enhanced(value); len(codes) > 0 {
		f.status = codes[0]
	}
	if _, words, ok := strings.Cut(value, "("); ok && f.text == "" {
		f.text = strings.TrimSuffix(words, ")")
	}
}

func (f *finding) takeDiagnostic(value string) {
	if _, words, ok := strings.Cut(value, ";"); ok {
		value = words
	}
	if value = strings.TrimSpace(value); len(value) > 3 || f.text == "" {
		f.text = value
	}
}

// statusFields yields the fields of a status text, unfolded, names in lower case;
// a blank line yields an empty name.
func statusFields(text string) func(yield func(name, value string) bool) {
	return func(yield func(name, value string) bool) {
		name, value := "", ""
		emit := func() bool {
			n := name
			name = ""
			return n == "" || yield(n, value)
		}
		for line := range strings.Lines(text) {
			line = strings.TrimRight(line, "\r\n")
			trimmed := strings.TrimSpace(line)
			switch head, rest, ok := strings.Cut(line, ":"); {
			case trimmed == "":
				if !emit() || !yield("", "") {
					return
				}
			case (line[0] == ' ' || line[0] == '\t') && name != "":
				if len(value) < maxDiagnostic*2 {
					value += " " + trimmed
				}
			case ok && isFieldName(head):
				if !emit() {
					return
				}
				name, value = strings.ToLower(strings.TrimSpace(head)), strings.TrimSpace(rest)
			case name == "diagnostic-code" && len(value) < maxDiagnostic*2:
				value += " " + trimmed // folded without its space
			}
		}
		emit()
	}
}

func isFieldName(s string) bool {
	s = strings.TrimRight(s, " \t")
	for i := range len(s) {
		if !isAlnum(s[i]) && s[i] != '-' && s[i] != '_' {
			return false
		}
	}
	return s != "" && len(s) < 80
}

// typedAddress reads "rfc822; user@example.com" in its many spellings, with the
// xtext of RFC 3461 section 4 undone.
func typedAddress(value string) string {
	if kind, address, ok := strings.Cut(value, ";"); ok && !strings.Contains(kind, "@") {
		value = address
	}
	value = strings.TrimSpace(value)
	if strings.Contains(value, "@") {
		if list := addressesIn(value); len(list) > 0 {
			value = list[0].address
		}
	}
	return quoteLocal(cut(header.Clean(undoXtext(header.BareAddress(value))), 320))
}

// quoteLocal quotes a local part that must be (RFC 5321 section 4.1.2): some
// hosts report it bare.
func quoteLocal(address string) string {
	local, domain := addr.Split(address)
	bare := strings.Contains(local, "..") || strings.HasPrefix(local, ".") || strings.HasSuffix(local, ".")
	if domain == "" || strings.HasPrefix(local, `"`) || !bare {
		return address
	}
	return `"` + local + `"@` + domain
}

func undoXtext(s string) string {
	i := strings.IndexByte(s, '+')
	if i < 0 || i+2 >= len(s) {
		return s
	}
	hi, lo := header.Hex(s[i+1]), header.Hex(s[i+2])
	if c := hi<<4 | lo; hi < 0 || lo < 0 || 'a' <= s[i+1] && s[i+1] <= 'f' || c != '+' && c != '=' && c != '@' {
		return s // a "+tag", not xtext
	}
	return s[:i] + string(rune(hi<<4|lo)) + s[i+3:]
}

// actionOf maps an Action field (RFC 3464 section 2.3.3) by its first letters:
// spellings vary, and "expired" is a failure.
func actionOf(value string) store.Action {
	value = strings.ToLower(strings.TrimSpace(value))
	for _, a := range []struct {
		prefix string
		action store.Action
	}{
		{"fail", store.ActionFailed}, {"expire", store.ActionFailed}, {"error", store.ActionFailed},
		{"delay", store.ActionDelayed}, {"warn", store.ActionDelayed}, {"deliver", store.ActionDelivered},
		{"relay", store.ActionRelayed}, {"expand", store.ActionExpanded},
	} {
		if strings.HasPrefix(value, a.prefix) {
			return a.action
		}
	}
	return ""
}

// explain completes findings from the text around them: a report without an
// action failed, unless its status says otherwise; one without words, or with
// words that say nothing, takes those said of its recipient in the text.
func (m *message) explain(list []finding, n notice) []finding {
	for i := range list {
		f := &list[i]
		if f.action == "" {
			f.action = actionByStatus(f.status)
		}
		f.diagnostic = f.text
		said := paragraphOf(n.words, f.recipient)
		if f.original != "" && said == "" {
			said = paragraphOf(n.words, f.original)
		}
		if f.command == "" {
			f.command = lastCommand(f.text + "\n" + said)
		}
		if poor(f.text) {
			f.text = strings.TrimSpace(f.text + "\n" + said)
			if len(list) == 1 && poor(f.text) {
				f.text = f.text + "\n" + cut(n.words, 4096)
			}
		}
		if !strings.Contains(f.recipient, "@") && !strings.Contains(f.original, "@") {
			f.recipient = m.fullRecipient(f.recipient, n)
		}
	}
	return list
}

// fullRecipient completes a recipient reported without a domain: a local user's
// name, or a name of another mail system.
func (m *message) fullRecipient(name string, n notice) string {
	to := header.Addresses(header.Unfold([]byte(n.original.Value("To"))))
	for _, a := range to {
		if local, _ := addr.Split(a.Address); strings.EqualFold(local, name) || len(to) == 1 {
			return a.Address
		}
	}
	return name
}

// poor tells words from which no reason could be read.
func poor(text string) bool {
	text = strings.TrimSpace(text)
	return len(text) < 12 || len(strings.Fields(text)) < 3 && len(enhanced(text)) == 0
}

func actionByStatus(status string) store.Action {
	switch {
	case strings.HasPrefix(status, "2"):
		return store.ActionDelivered
	case strings.HasPrefix(status, "4"):
		return store.ActionDelayed
	}
	return store.ActionFailed
}

// keyOf is how addresses of a report are compared.
func keyOf(address string) string { return store.AddressKey(address) }
