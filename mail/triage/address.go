package triage

import (
	"strings"

	"signpost/mail/header"
	"signpost/store/addr"
	"signpost/store/origin"
	"signpost/store/text"
)

func aligned(a, b string) bool {
	a, b = origin.Organisation(a), origin.Organisation(b)
	return a != "" && a == b
}

// unwrapSender undoes the forms under which hosts write a person's own address
// into the envelope: prvs (BATV, draft-levine-smtp-batv), Barracuda's btv1 and
// the sender rewriting scheme. False when address is none of them.
func unwrapSender(address string) (string, bool) {
	local, domain := addr.Split(address)
	low := strings.ToLower(local)
	switch {
	case strings.HasPrefix(low, "prvs="):
		first, second, ok := text.CutAny(local[5:], "=/")
		if !ok {
			return address, false
		}
		if isTag(first) { // prvs=TAG=local; an older form writes prvs=local/TAG
			return second + "@" + domain, true
		}
		return first + "@" + domain, true
	case strings.HasPrefix(low, "btv1=="):
		if _, inner, ok := strings.Cut(local[6:], "=="); ok {
			return inner + "@" + domain, true
		}
	case strings.HasPrefix(low, "srs0") || strings.HasPrefix(low, "srs1"):
		return unwrapSRS(local)
	}
	return address, false
}

// isTag tells the ten digits of a BATV tag: key, day, and six of a hash.
func isTag(s string) bool {
	if len(s) != 10 || s[0] < '0' || s[0] > '9' {
		return false
	}
	for i := range len(s) {
		if header.Hex(s[i]) < 0 {
			return false
		}
	}
	return true
}

// unwrapSRS reads SRS0=hash=time=domain=local and SRS1=hash=host==hash=time=domain=local.
func unwrapSRS(local string) (string, bool) {
	if i := strings.Index(local, "=="); i >= 0 && local[3] == '1' {
		local = "srs0=" + local[i+2:]
	}
	if len(local) < 6 {
		return local, false
	}
	parts := strings.SplitN(local[5:], "=", 4)
	if len(parts) != 4 || parts[2] == "" || parts[3] == "" {
		return local, false
	}
	return parts[3] + "@" + parts[2], true
}

// isAddress tells an address that mail could be sent to: a local part and a
// domain of several labels, neither a literal nor without a dot.
func isAddress(address string) bool {
	local, domain := addr.Split(address)
	if local == "" || len(local) > 64 || len(domain) > 253 || !strings.Contains(domain, ".") {
		return false
	}
	for _, label := range strings.Split(domain, ".") {
		if label == "" || len(label) > 63 || strings.Trim(label, "-") != label {
			return false
		}
		for _, r := range label {
			if r < 0x80 && !isAlnum(byte(r)) && r != '-' && r != '_' {
				return false
			}
		}
	}
	return !strings.ContainsAny(local, " \t\r\n\x00<>,;:\"()[]") &&
		!strings.HasPrefix(local, ".") && !strings.HasSuffix(local, ".")
}

func isAlnum(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9' }
