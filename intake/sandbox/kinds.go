package sandbox

import "strings"

// writtenKind is a ready-made mail.
type writtenKind struct {
	id, name string
	about    string // what should come of it at a support address
	draft    func(to string) draft
}

func kindOf(id string) writtenKind {
	all := kinds()
	for _, k := range all {
		if k.id == id {
			return k
		}
	}
	return all[0]
}

func kinds() []writtenKind {
	return []writtenKind{
		{"person", "A person", "Sent to a support address, a person is answered once in 7 days and pointed to the form.",
			personDraft},
		{"away", "Out of office", "A machine's answer: it is never answered.", awayDraft},
		{"newsletter", "A newsletter", "Bulk mail: it is never answered.", newsletterDraft},
		{"report", "A delivery report",
			"A bounce: read and never answered. To tie it to a mail we sent, send one to full@bounce.example.net instead.",
			reportDraft},
		{"list", "A mailing list", "It came through a list: an answer would go to everybody, so there is none.", listDraft},
		{"forged", "A forged sender",
			"The sender fails authentication, so an answer would reach a person who wrote nothing. There is none.",
			forgedDraft},
	}
}

func personDraft(to string) draft {
	return draft{
		Kind: "person", Envelope: "maria@partner.example", From: "Maria López <maria@partner.example>", To: to,
		Subject: "When will our order arrive?",
		Body:    "Hello,\n\nour order from last week has not arrived yet. Could you look where it is?\n\nThank you\nMaria\n",
	}
}

func awayDraft(to string) draft {
	return draft{
		Kind: "away", From: "Maria López <maria@partner.example>", To: to, Subject: "Out of office: your request",
		Headers: "Auto-Submitted: auto-replied\nX-Auto-Response-Suppress: All",
		Body:    "I am out of the office until Monday and will answer then.\n",
	}
}

func newsletterDraft(to string) draft {
	return draft{
		Kind: "newsletter", Envelope: "bounces@news.example.org", From: "Partner News <news@news.example.org>", To: to,
		Subject: "This month's offers",
		Headers: "List-Unsubscribe: <https://news.example.org/leave>\nPrecedence: bulk",
		Body:    "Three offers you should not miss this month.\n",
	}
}

func listDraft(to string) draft {
	return draft{
		Kind: "list", Envelope: "partners-bounces@lists.example.org", From: "Jo <jo@partner.example>",
		To:      "partners@lists.example.org, " + to,
		Subject: "[partners] Meeting on Thursday",
		Headers: "List-Id: Partners <partners.lists.example.org>\nList-Post: <mailto:partners@lists.example.org>\n" +
			"Precedence: list\nSender: partners-bounces@lists.example.org",
		Body: "Shall we meet on Thursday at ten?\n",
	}
}

func forgedDraft(to string) draft {
	return draft{
		Kind: "forged", Envelope: "ceo@spoofed.example", From: "The Chief <ceo@spoofed.example>", To: to,
		Subject: "Urgent", Body: "Please answer this mail at once.\n",
	}
}

func reportDraft(to string) draft {
	const boundary = "report-boundary"
	parts := []string{
		"--" + boundary + "\nContent-Type: text/plain; charset=utf-8\n\nYour message could not be delivered.\n",
		"--" + boundary + "\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.partner.example\n\n" +
			"Final-Recipient: rfc822; gone@partner.example\nAction: failed\nStatus: 5.1.1\n" +
			"Diagnostic-Code: smtp; 550 5.1.1 User unknown\n",
		"--" + boundary + "\nContent-Type: text/rfc822-headers\n\nFrom: " + to + "\nTo: gone@partner.example\n" +
			"Subject: Your request\nMessage-ID: <unknown@example.com>\n",
		"--" + boundary + "--\n",
	}
	return draft{
		Kind: "report", From: "Mail Delivery System <MAILER-DAEMON@mx.partner.example>", To: to,
		Subject: "Undelivered Mail Returned to Sender",
		Headers: "Auto-Submitted: auto-replied\n" +
			"Content-Type: multipart/report; report-type=delivery-status;\n boundary=\"" + boundary + "\"",
		Body: strings.Join(parts, "\n"),
	}
}
