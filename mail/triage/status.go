package triage

import "strings"

// enhanced finds the status codes of RFC 3463 in text, in their order, at most 20.
func enhanced(text string) (codes []string) {
	for i := 0; i+4 < len(text) && len(codes) < 20; i++ {
		c := text[i]
		if c != '2' && c != '4' && c != '5' || text[i+1] != '.' || i > 0 && (isAlnum(text[i-1]) || text[i-1] == '.') {
			continue
		}
		subject := digits(text[i+2:])
		if subject == 0 || subject > 3 || i+2+subject >= len(text) || text[i+2+subject] != '.' {
			continue
		}
		detail := digits(text[i+3+subject:])
		end := i + 3 + subject + detail
		more := end+1 < len(text) && text[end] == '.' && digits(text[end+1:end+2]) == 1
		if detail == 0 || detail > 3 || more {
			i = end - 1 // a dotted number of another kind: an IP address
			continue
		}
		codes = append(codes, text[i:end])
		i = end - 1
	}
	return codes
}

func digits(s string) (n int) {
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return n
}

// smtpReply finds the first SMTP reply code (RFC 5321 section 4.2) in text.
func smtpReply(text string) string {
	for i := 0; i+3 <= len(text); i++ {
		c := text[i]
		if c != '4' && c != '5' || digits(text[i:]) != 3 || text[i+1] > '7' {
			if n := digits(text[i:]); n > 0 {
				i += n - 1
			}
			continue
		}
		before := i == 0 || !isAlnum(text[i-1]) && text[i-1] != '.' && text[i-1] != '-'
		after := i+3 == len(text) || strings.IndexByte(" -:\t\n'\"[(<", text[i+3]) >= 0
		if before && after {
			return text[i : i+3]
		}
		i += 2
	}
	return ""
}

// preferStatus chooses between the status a report names and those its text
// holds: relays often report a general code beside the precise one that the
// remote server said.
func preferStatus(reported, text string) string {
	best := ""
	for _, code := range enhanced(text) {
		if code[0] != '2' && precision(code) > precision(best) {
			best = code
		}
	}
	if best != "" && precision(best) >= precision(reported) {
		return best
	}
	return reported
}

// precision orders codes by how much they tell.
func precision(code string) int {
	switch {
	case len(code) < 5:
		return 0
	case strings.HasSuffix(code[1:], ".0.0"):
		return 1
	case code[1:] == ".4.7" || code[1:] == ".5.1" || code[1:] == ".7.0" || strings.HasPrefix(code[1:], ".3."):
		return 2
	case strings.HasSuffix(code, ".0"):
		return 2
	}
	return 3
}

// lastCommand finds which SMTP command a refusal answered, by the ways in which
// servers write it.
func lastCommand(text string) string {
	low := fold(cut(text, 8192))
	for _, mark := range commandMarks {
		if strings.Contains(low, mark.words) {
			return mark.command
		}
	}
	return ""
}

var commandMarks = []struct{ words, command string }{
	{"in reply to end of data", "DATA"}, {"after end of data", "DATA"}, {"in reply to data", "DATA"},
	{"[data]", "DATA"}, {"end of data", "DATA"},
	{"final data", "DATA"}, {"after data command", "DATA"}, {"message content", "DATA"},
	{"in reply to rcpt", "RCPT"}, {"after rcpt", "RCPT"}, {"[rcpt_to]", "RCPT"}, {"[rcpt to]", "RCPT"},
	{"our rcpt to", "RCPT"}, {"following rcpt", "RCPT"}, {">>> rcpt", "RCPT"}, {"<<< rcpt", "RCPT"},
	{"rcpt to:<", "RCPT"}, {"-smtp command rcpt", "RCPT"}, {"rcpt command", "RCPT"},
	{"in reply to mail", "MAIL"}, {"after mail", "MAIL"}, {"[mail_from]", "MAIL"}, {"our mail from", "MAIL"},
	{">>> mail", "MAIL"},
	{">>> data", "DATA"},
	{"in reply to ehlo", "EHLO"}, {"in reply to helo", "EHLO"}, {"our ehlo", "EHLO"}, {">>> ehlo", "EHLO"},
	{">>> helo", "EHLO"},
	{"does not like recipient", "RCPT"}, {"after i sent the message", "DATA"},
	{"but sender was rejected", "MAIL"}, {"but greeting failed", "CONN"},
	{"initial connection", "CONN"}, {"our greeting", "CONN"},
}
