package triage

import (
	"strings"

	"signpost/mail/header"
	"signpost/store"
	"signpost/store/text"
)

// automaticRules: the header says that a program wrote it, or that it went to many.
var automaticRules = []rule{
	stop("auto-submitted", "RFC 3834 sections 2 and 5, RFC 5436: any keyword but no", func(m *message) (string, bool) {
		return m.valued("Auto-Submitted", func(v string) bool {
			word := keyword(v)
			return word != "" && word != "no"
		})
	}),
	stop("precedence", "RFC 2076, RFC 3834 section 3.1.8: bulk, list, junk, auto_reply", precedence),
	stop("list-header", "RFC 2369, RFC 2919, RFC 8058, RFC 5230 section 4.6", listHeader),
	note("sales-tool", "an unsubscribe link alone, on one person's answer to one recipient: a sales tool sends through "+
		"that person's mailbox", func(m *message) (string, bool) {
		words, ok := present(listFields...)(m)
		return words, ok && m.bySalesTool()
	}),
	stop("suppress-header", "MS-OXCMAIL section 2.1.3.2.20: the sender asks for silence", func(m *message) (string, bool) {
		return m.valued("X-Auto-Response-Suppress", func(v string) bool {
			return containsAny(strings.ToLower(v), "all", "oof", "autoreply")
		})
	}),
	stop("responder-header", "marks that responders leave, from those in use", responderHeader),
	stop("other-helpdesk", "another helpdesk's own mark: the cheapest loop breaker there is",
		present(helpdeskMarks...)),
	stop("loop-header", "X-Loop: some program guards against itself", present("X-Loop", "X-Loops", "X-Loop-Detect")),
	stop("bulk-header", "the marks of campaigns, and a provider's mark beside a list's, Precedence or a robot's name",
		bulkHeader),
	note("provider-mark", "Feedback-ID and its kin: providers stamp them on every mail of the people they host, too",
		present(providerMarks...)),
	note("redirected", "an Exchange rule passed it on: its author is a person as likely as not",
		present("X-MS-Exchange-Inbox-Rules-Loop")),
}

var listFields = []string{"List-Id", "List-Unsubscribe", "List-Post", "List-Help",
	"List-Subscribe", "List-Owner", "List-Archive", "List-Unsubscribe-Post", "Mailing-List", "X-Mailing-List",
	"X-BeenThere",
	"X-Mailman-Version", "X-ML-Name", "X-Google-Group-Id", "X-Listserver"}

// campaignMarks are written by programs that send one text to many.
var campaignMarks = []string{"X-Campaign", "X-CampaignID", "X-Campaign-Id", "X-Mailer-RecptId", "X-EMID",
	"X-CSA-Complaints"}

// helpdeskMarks are the fields by which other helpdesks know their own mail.
var helpdeskMarks = []string{
	"X-Signpost-Instance", "X-RT-Loop-Prevention", "RT-Ticket", "RT-Originator", "X-OTRS-Loop", "X-Znuny-Loop",
	"X-Zammad-Ticket-Id", "X-Zammad-Fqdn", "X-Libredesk-Loop-Prevention", "X-FreeScout-Mail-Type",
	"X-FreeScout-Mail-Id", "X-Zendesk-From-Account-Id", "X-Zendesk-Priority-Mail", "X-Freshdesk-Ticket-Id",
	"X-Freshdesk-Ticket-Number", "X-HelpScout-Mail-Type", "X-HelpScout-Mail-ID", "X-osTicket-System",
	"X-Jira-Fingerprint", "X-Servicenow-Generated", "X-ServiceNow-Source", "X-Odoo-Objects", "X-Github-Reason",
	"X-Github-Sender", "X-Gitlab-Project", "X-Chatwoot-Conversation-Id", "X-Kayako-Ticket", "X-Desk-Ticket",
	"X-Intercom-Conversation",
}

// providerMarks are written by hosts and relays, for any customer's mail: Fastmail,
// Proton, Zoho, Amazon WorkMail, hosters' abuse contacts, relays for outgoing mail.
var providerMarks = []string{"Feedback-ID", "X-SES-Outgoing", "X-PM-Message-Id", "X-Report-Abuse", "X-Report-Abuse-To",
	"X-Mailgun-Variables", "X-Mailgun-Tag", "X-Mailgun-Sid", "X-SG-EID", "X-SG-ID", "X-MC-User", "X-Mandrill-User"}

func listHeader(m *message) (string, bool) {
	words, ok := present(listFields...)(m)
	return words, ok && !m.bySalesTool()
}

// bySalesTool tells an unsubscribe link that is no list's: it stands alone on an
// answer to one recipient, beside no mark of mass mail.
func (m *message) bySalesTool() bool {
	for _, name := range listFields {
		if name != "List-Unsubscribe" && name != "List-Unsubscribe-Post" && m.header.Count(name) > 0 {
			return false
		}
	}
	if _, bulk := precedence(m); bulk {
		return false
	}
	_, _, marked := m.header.First(append(providerMarks, campaignMarks...)...)
	_, robot := m.robot(isRobot)
	return m.header.Count("In-Reply-To") > 0 && len(m.to) == 1 && !marked && !robot
}

func bulkHeader(m *message) (string, bool) {
	if words, ok := present(campaignMarks...)(m); ok {
		return words, true
	}
	words, ok := present(providerMarks...)(m)
	if !ok {
		return "", false
	}
	_, list := listHeader(m)
	_, bulk := precedence(m)
	_, robot := m.robot(isRobot)
	return words, list || bulk || robot
}

// keyword is the first word of a header value in lower case: comments,
// parameters and what else people add are left out.
func keyword(v string) string {
	for strings.HasPrefix(strings.TrimSpace(v), "(") {
		_, after, ok := strings.Cut(v, ")")
		if !ok {
			break
		}
		v = after
	}
	word, _, _ := text.CutAny(strings.TrimSpace(v), " \t;(")
	return strings.ToLower(strings.Trim(word, `"',.`))
}

func precedence(m *message) (string, bool) {
	for _, name := range []string{"Precedence", "X-Precedence", "Preference"} {
		if words, ok := m.valued(name, func(v string) bool {
			return containsAny(strings.ToLower(v), "bulk", "list", "junk", "auto_reply", "auto-reply", "autoreply")
		}); ok {
			return words, true
		}
	}
	return "", false
}

// responderHeader knows the marks whose presence is enough, and those that must
// have a certain value.
func responderHeader(m *message) (string, bool) {
	name, value, ok := m.header.First("X-Autoreply", "X-Autorespond", "X-Autoresponse", "X-Autoresponder",
		"X-AutoReply-From", "X-Mail-Autoreply", "X-Autogenerated", "X-Auto-Generated", "X-Auto-Reply",
		"X-Autoreply-Domain", "X-MS-Exchange-Generated-Message-Source", "X-Cron-Env", "X-Bluebottle-Request",
		"X-Vacation", "X-Away-Message", "Vacation-Reply", "X-AutoReply-To")
	if ok && !strings.EqualFold(strings.TrimSpace(value), "no") {
		return name + ": " + value, true
	}
	if words, ok := m.valued("X-MS-Exchange-Inbox-Rules-Loop", m.byOwnRule); ok {
		return words, true
	}
	for _, mark := range responderValues {
		words, ok := m.valued(mark.name, func(v string) bool { return strings.Contains(strings.ToLower(v), mark.word) })
		if ok {
			return words, true
		}
	}
	return "", false
}

// byOwnRule tells an Exchange rule of the author's own mailbox that answered: on a
// mail it redirects, the field names the mailbox that passed it on.
func (m *message) byOwnRule(value string) bool {
	if !m.answers() || len(m.from) != 1 {
		return false
	}
	return store.AddressKey(header.BareAddress(value)) == store.AddressKey(m.from[0].Address)
}

var responderValues = []struct{ name, word string }{
	{"Delivered-To", "autoresponder"},
	{"X-FC-MachineGenerated", "true"},
	{"X-POST-MessageClass", "autoresponder"},
	{"X-Apple-Action", "vacation"},
	{"X-Mailer", "vacation"},
	{"X-Mailer", "autorespon"},
	{"X-Mailer", "auto-respon"},
	{"X-Mailer", "autoreply"},
	{"User-Agent", "vacation"},
	{"X-Message-Flag", "automat"},
	{"X-MimeOLE", "autoreply"},
}
