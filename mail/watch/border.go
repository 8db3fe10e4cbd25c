package watch

import (
	"net/netip"
	"slices"
	"strings"

	"signpost/store/origin"
)

// Trust says whose words about a mail are believed.
type Trust struct {
	// Hosts are authserv-ids (RFC 8601 section 2.5). "*.example.net" stands for
	// every name below example.net, for hosts that write the name of the machine.
	Hosts []string
	// Relays are the public addresses of our own hosts that hand mail on: a gateway
	// before the host of the mailbox. Private addresses are within in any case.
	Relays []netip.Prefix
}

// exchangeID is the authserv-id of Microsoft 365, whose fields name none.
const exchangeID = "outlook.com"

// trace is what the receiving side wrote into a header, taken apart at the hop by
// which the mail came in. Each host puts its fields on top of what it was given
// (RFC 5321 section 4.4), so the topmost Received is true whatever it says; and one
// that says the mail came from a host of ours makes the next below it true as well.
// Names prove nothing: HELO is the client's to choose. The address of the
// connection is what the host saw.
type trace struct {
	inner []field // hosts within wrote them, after the mail was let in; topmost first
	entry []field // above the Received of the host that let it in, and that host's own
	below []field // below that Received; the sender's own begin somewhere in it
	hop   hop     // that Received; zero: the header has none
}

// readTrace takes a header apart.
func (t Trust) readTrace(header []field) trace {
	var at []int // the Received
	for i, f := range header {
		if f.name == "received" {
			at = append(at, i)
		}
	}
	from := 0
	for k, i := range at {
		h := readHop(header[i].value)
		if k+1 < len(at) && t.isWithin(h) {
			from = i + 1
			continue
		}
		return trace{inner: header[:from], entry: header[from:i], below: header[i+1:], hop: h}
	}
	return trace{}
}

// isWithin tells a step between hosts of ours, or inside one.
func (t Trust) isWithin(h hop) bool {
	// LMTP (RFC 2033) is spoken to deliver, by one host of ours to another.
	if h.from == "" || strings.HasPrefix(h.with, "lmtp") {
		return true
	}
	addr := h.peer
	if !addr.IsValid() {
		return false
	}
	return isPrivate(addr) || slices.ContainsFunc(t.Relays, func(p netip.Prefix) bool { return p.Contains(addr) }) ||
		t.believes(exchangeID) && isExchange(addr)
}

// shared is the address space of providers' own networks (RFC 6598).
var shared = netip.MustParsePrefix("100.64.0.0/10")

// isPrivate tells an address that no client outside can connect from.
func isPrivate(addr netip.Addr) bool {
	return addr.IsLoopback() || addr.IsPrivate() || addr.IsLinkLocalUnicast() || shared.Contains(addr)
}

// isExchange tells the addresses under which the machines of Exchange Online speak
// to one another: 2603:1096::/32, 2603:10a6::/32 and on to 2603:10f6::/32. Those by
// which they send to the world, and with which customers send, are others.
func isExchange(addr netip.Addr) bool {
	if !addr.Is6() {
		return false
	}
	b := addr.As16()
	return b[0] == 0x26 && b[1] == 0x03 && b[2] == 0x10 && b[3] >= 0x96 && b[3]&0x0f == 0x06
}

// believes tells a trusted authserv-id; ids are domain names, so case and a final
// dot do not count.
func (t Trust) believes(id string) bool {
	id = strings.ToLower(strings.TrimSuffix(id, "."))
	return slices.ContainsFunc(t.Hosts, func(host string) bool {
		host = strings.ToLower(strings.TrimSuffix(host, "."))
		if below, ok := strings.CutPrefix(host, "*"); ok {
			return strings.HasSuffix(id, below) && len(id) > len(below)
		}
		return id == host
	})
}

// isOwn tells a host of the same organisation as a trusted id.
func (t Trust) isOwn(host string) bool {
	host = strings.Trim(strings.ToLower(host), ".")
	return host != "" && slices.ContainsFunc(t.Hosts, func(id string) bool {
		id = strings.Trim(strings.ToLower(strings.TrimPrefix(id, "*.")), ".")
		return host == id || strings.Contains(id, ".") && origin.Organisation(host) == origin.Organisation(id)
	})
}

// hop is a Received field (RFC 5321 section 4.4): who gave the mail to whom, and
// how. Names are in lower case, and the client's or the host's own.
type hop struct {
	from, by, with string
	// peer is the client's address as the host saw it; invalid: it does not say.
	peer netip.Addr
}

// readHop reads a Received field. One that has a "from" and not, comments taken out,
// "from NAME by NAME" and no other "by" is taken for a mail from outside of which
// nothing is known: a name with spaces in it could say anything.
func readHop(value string) (h hop) {
	words, notes := splitComments(strings.ToLower(value))
	at := 0
	if len(words) > 1 && words[0] == "from" {
		h.from, at = words[1], 2
	}
	if len(words) < at+2 || words[at] != "by" || h.from != "" && slices.Contains(words[at+1:], "by") {
		return h
	}
	h.by = strings.TrimSuffix(words[at+1], ";")
	if i := slices.Index(words[at+2:], "with"); i >= 0 && at+2+i+1 < len(words) {
		h.with = strings.TrimSuffix(words[at+2+i+1], ";")
	}
	if h.from != "" {
		h.peer = peerOf(h.from, notes)
	}
	return h
}

// peerOf finds the client's address in what a host writes between "from" and "by":
// most write it into the first comment, behind the client's name; some write the
// HELO name into a comment of its own and the address before or behind it. What
// follows in later comments, such as the name on a certificate, is the client's.
func peerOf(from string, notes []string) netip.Addr {
	literal, isLiteral := literalAddr(from)
	greeted := false
	for _, note := range notes {
		before, hello := cutHello(note) // Exim: ([192.0.2.7] helo=name ident=name)
		if addr, ok := lastAddr(before); ok {
			return addr
		}
		greeted = greeted || hello
	}
	// With the HELO name elsewhere this is the host's own word; else it may be that
	// name, and then says nothing for the client.
	if isLiteral && (greeted || !isPrivate(literal)) {
		return literal
	}
	return netip.Addr{}
}

// cutHello is a comment without what the client called itself and what follows.
func cutHello(note string) (before string, found bool) {
	for at := 0; at < len(note); {
		end := strings.IndexAny(note[at:], " =")
		if end < 0 {
			return note, false
		}
		switch note[at : at+end] {
		case "helo", "ehlo", "lhlo":
			return note[:at], true
		}
		at += end + 1
	}
	return note, false
}

// lastAddr is the last address in a comment, of those in brackets if there are any.
func lastAddr(note string) (last netip.Addr, ok bool) {
	if open := strings.LastIndexByte(note, '['); open >= 0 {
		inside, _, _ := strings.Cut(note[open:], "]")
		return literalAddr(inside)
	}
	for _, word := range strings.FieldsFunc(note, func(r rune) bool { return strings.ContainsRune(" \t,;@", r) }) {
		if addr, isAddr := literalAddr(word); isAddr {
			last, ok = addr, true
		}
	}
	return last, ok
}

// literalAddr reads an address, also in brackets (RFC 5321 section 4.1.3).
func literalAddr(s string) (netip.Addr, bool) {
	addr, err := netip.ParseAddr(strings.TrimPrefix(strings.Trim(s, "[]"), "ipv6:"))
	return addr.Unmap().WithZone(""), err == nil
}

// splitComments takes a value apart into its words and the comments that stand
// before the word "by"; those within a comment stay in its text. Comments to which
// no white space leads come last: they may be part of a name that the client chose,
// "x([127.0.0.1])", and the host's own stand behind it.
func splitComments(value string) (words, notes []string) {
	var word, note []byte
	var attached []string
	depth, done, isAttached := 0, false, false
	end := func() {
		if len(word) > 0 {
			words, done = append(words, string(word)), done || string(word) == "by"
			word = word[:0]
		}
	}
	for i := 0; i < len(value); i++ {
		c := value[i]
		switch {
		case c == '\\' && depth > 0 && i+1 < len(value):
			i++
			note = append(note, ' ')
		case c == '(':
			if depth++; depth == 1 {
				end()
				note, isAttached = note[:0], i > 0 && value[i-1] != ' ' && value[i-1] != '\t'
			}
		case c == ')' && depth > 0:
			if depth--; depth == 0 && !done {
				if isAttached {
					attached = append(attached, string(note))
				} else {
					notes = append(notes, string(note))
				}
			}
		case depth > 0:
			note = append(note, c)
		case c == ' ' || c == '\t':
			end()
		default:
			word = append(word, c)
		}
	}
	end()
	return words, append(notes, attached...)
}
