package triage

import (
	"testing"

	"signpost/store/text"
)

// What hosts say, in their own words, and what it must mean to us.
func TestWhatServersSayIsUnderstood(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ status, words, group, outcome string }{
		// Large mailbox hosts.
		{"5.1.1", "smtp; 550-5.1.1 The email account that you tried to reach does not exist.", "address", "dead"},
		{"5.2.1", "smtp; 550-5.2.1 The email account that you tried to reach is disabled.", "address", "dead"},
		{"5.2.2", "smtp; 552-5.2.2 The email account that you tried to reach is over quota.", "full", "later"},
		{"4.2.2", "smtp; 452-4.2.2 The recipient's inbox is out of storage space.", "full", "later"},
		{"5.7.1", "smtp; 550-5.7.1 [192.0.2.1 12] Our system has detected that this message is likely unsolicited mail.",
			"reputation", "refused"},
		{"4.7.0", "smtp; 421-4.7.0 Our system has detected an unusual rate of unsolicited mail originating from " +
			"your IP address.", "reputation", "later"},
		{"5.7.1", "smtp; 550 5.7.1 The IP you're using to send mail is not authorized to send email directly to our servers.",
			"reputation", "refused"},
		{"5.2.3", "smtp; 552-5.2.3 Your message exceeded our message size limits.", "full", "refused"},
		{"5.7.26", "smtp; 550-5.7.26 This mail is unauthenticated, which poses a security risk to the sender and our users.",
			"reputation", "refused"},
		{"5.1.10", "smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup",
			"address", "dead"},
		{"5.7.1", "smtp;550 5.7.1 Service unavailable, Client host [192.0.2.1] blocked using Spamhaus.",
			"reputation", "refused"},
		{"", "550 SC-001 Unfortunately, messages from 192.0.2.1 weren't sent. Please contact your Internet service provider.",
			"reputation", "refused"},
		{"", "550 DY-001 Mail rejected for policy reasons. We generally do not accept email from dynamic IP's.",
			"reputation", "refused"},
		{"5.7.606", "smtp;550 5.7.606 Access denied, banned sending IP [192.0.2.1].", "reputation", "refused"},
		{"5.7.1", "smtp;550 5.7.1 TRANSPORT.RULES.RejectMessage; the message was rejected by organization policy",
			"reputation", "refused"},
		{"5.7.129", "smtp;550 5.7.129 RESOLVER.RST.RestrictedToRecipientsPermission; not authorized to send to " +
			"recipient because the sender isn't on the recipient's list", "reputation", "refused"},
		{"5.4.316", "smtp;550 5.4.316 Message expired, connection refused(Socket error code 10061)", "transient", "later"},
		{"5.4.14", "smtp;554 5.4.14 Hop count exceeded - possible mail loop", "transient", "later"},
		{"5.2.2", "smtp;554 5.2.2 mailbox full; STOREDRV.Deliver.Exception:QuotaExceededException", "full", "later"},
		{"5.4.310", "smtp;550 5.4.310 DNS domain nowhere.example does not exist", "address", "dead"},
		{"", "554 delivery error: dd This user doesn't have a mail.example account (x@mail.example) [0]", "address", "dead"},
		{"5.7.9", "smtp; 554 5.7.9 Message not accepted for policy reasons.", "reputation", "refused"},
		{"5.7.1", "smtp; 553 5.7.1 [BL21] Connections will not be accepted from 192.0.2.1, because the ip is in " +
			"Spamhaus's list", "reputation", "refused"},
		{"4.7.1", "smtp; 421 4.7.1 [TS03] All messages from 192.0.2.1 will be permanently deferred", "reputation", "later"},
		{"5.7.1", "smtp; 554 5.7.1 [CS01] Message rejected due to local policy.", "reputation", "refused"},
		{"5.1.1", "smtp; 550 5.1.1 Not our Customer", "address", "dead"},
		{"", "554 BL000001 : Your mail has been blocked by our spam filter", "reputation", "refused"},
		{"4.2.1", "smtp; 421 4.2.1 - too many sessions from 192.0.2.1", "reputation", "later"},
		{"5.2.1", "smtp; 521 5.2.1 :  (We will not accept delivery of this message.)", "reputation", "refused"},
		{"5.1.6", "smtp; 550 5.1.6 recipient no longer on server: x@y.example", "address", "dead"},
		{"", "host mx.partner.example[192.0.2.1] said: 554 RCPT (x@partner.example) dosn't exist " +
			"(in reply to RCPT TO command)", "address", "dead"},
		{"5.7.1", "host mx.partner.example[192.0.2.1] said: 550 5.7.1 Mail 4Sb rejected per SPAM policy",
			"reputation", "refused"},
		{"", "It was rejected by the recipient domain. The error that the other server returned was: " +
			"550 550 Address unknown (state 14)", "address", "dead"},
		{"", "552 Account(s) <x@partner.example> does not have enough space", "full", "later"},
		// Mail systems.
		{"5.1.1", "smtp; 550 5.1.1 <x@y.example>: Recipient address rejected: User unknown in local recipient table " +
			"(in reply to RCPT TO command)", "address", "dead"},
		{"5.1.1", "smtp; 550 5.1.1 <x@y.example>: Recipient address rejected: undeliverable address: unknown user",
			"address", "dead"},
		{"4.2.0", "smtp; 450 4.2.0 <x@y.example>: Recipient address rejected: Greylisted, see " +
			"http://postgrey.schweikert.ch/help/y.example.html", "reputation", "later"},
		{"5.4.4", "X-Postfix; Host or domain name not found. Name service error for name=nowhere.example type=AAAA: " +
			"Host not found", "address", "dead"},
		{"4.4.1", "X-Postfix; connect to mx.y.example[192.0.2.1]:25: Connection refused", "transient", "later"},
		{"4.4.1", "X-Postfix; connect to mx.y.example[192.0.2.1]:25: Connection timed out", "transient", "later"},
		{"5.4.6", "X-Postfix; mail for y.example loops back to myself", "transient", "later"},
		{"5.3.0", "x-unix; Command died with status 1: \"/usr/bin/procmail\"", "transient", "later"},
		{"5.3.4", "smtp; 552 5.3.4 Message size exceeds file system imposed limit", "full", "refused"},
		{"4.3.1", "smtp; 452 4.3.1 Insufficient system storage", "full", "later"},
		{"5.7.1", "smtp; 554 5.7.1 <x@y.example>: Relay access denied", "reputation", "refused"},
		{"5.1.8", "smtp; 553 5.1.8 <a@b.example>: Sender address rejected: Domain not found", "reputation", "refused"},
		{"5.7.1", "smtp; 554 5.7.1 Client host rejected: cannot find your reverse hostname, [192.0.2.1]",
			"reputation", "refused"},
		{"", "550 Unrouteable address", "address", "dead"},
		{"", "all relevant MX records point to non-existent hosts", "address", "dead"},
		{"", "an MX or SRV record indicated no SMTP service", "address", "dead"},
		{"", "retry timeout exceeded", "transient", "later"},
		{"", "Sorry, I couldn't find any host named nowhere.example. (#5.1.2)", "address", "dead"},
		{"", "Sorry, no mailbox here by that name. (#5.1.1)", "address", "dead"},
		{"", "Sorry, I wasn't able to establish an SMTP connection. (#4.4.1)", "transient", "later"},
		{"5.0.0", "smtp; 550 Message was blocked by server: virus found", "reputation", "refused"},
		{"5.0.0", "smtp; 550 High probability of spam", "reputation", "refused"},
		{"5.7.0", "smtp; 530 5.7.0 Must issue a STARTTLS command first", "reputation", "refused"},
		{"5.6.0", "smtp; 554 5.6.0 Mail message is malformed. Not accepted.", "transient reputation", "refused later"},
		{"", "554 5.7.1 The message from (<a@b.example>) with the subject of (x) matches a profile " +
			"the Internet community may consider spam", "reputation", "refused"},
		// Other languages.
		{"", "550 Benutzer unbekannt", "address", "dead"},
		{"", "552 Postfach ist voll", "full", "later"},
		{"", "550 Le compte du destinataire est bloque", "address", "dead"},
		{"", "550 Utilisateur inconnu", "address", "dead"},
		{"", "550 El usuario no existe", "address", "dead"},
		{"", "550 Такого пользователя не существует", "address", "dead"},
		{"", "550 收件人不存在", "address", "dead"},
		{"", "552 邮箱空间不足", "full", "later"},
		{"", "宛先のメールボックスの容量を超えています", "full", "later"},
		// A status alone, beside words that say nothing.
		{"5.1.9", "smtp; 550 no", "address", "dead"},
		{"5.2.9", "smtp; 550 no", "address", "dead"},
		{"4.4.9", "smtp; 450 no", "transient", "later"},
		{"5.6.9", "smtp; 550 no", "reputation", "refused"},
		{"4.6.9", "smtp; 450 no", "reputation", "later"},
		{"5.7.99", "smtp; 550 no", "reputation", "refused"},
		{"4.7.99", "smtp; 450 no", "reputation", "later"},
		{"", "存在しないため送信できません", "address", "dead"},
	} {
		r := finding{recipient: "x@y.example", said: said{action: "failed", status: c.status, text: c.words}}.report("")
		if !anyWord(c.group, groupOf(r.Reason)) || !anyWord(c.outcome, string(r.Outcome)) {
			t.Errorf("%s %q: %s (%s), %s; want %s, %s",
				c.status, c.words, r.Reason, groupOf(r.Reason), r.Outcome, c.group, c.outcome)
		}
	}
}

func anyWord(words, word string) bool {
	for _, w := range splitWords(words) {
		if w == word {
			return true
		}
	}
	return false
}

func splitWords(s string) (list []string) {
	for len(s) > 0 {
		word, rest, _ := text.CutAny(s, " ")
		list, s = append(list, word), rest
	}
	return list
}

// The class of a status never makes an address dead.
func TestAFiveIsNotDead(t *testing.T) {
	t.Parallel()
	for _, words := range []string{
		"smtp; 554 5.7.1 spam", "smtp; 552 5.2.2 mailbox full", "smtp; 550 5.0.0 rejected",
		"smtp; 554 5.3.0 system error",
	} {
		if r := (finding{said: said{action: "failed", text: words}}).report(""); r.Hard || r.Outcome == "dead" {
			t.Errorf("%q: %+v", words, r)
		}
	}
}

// A delay is never more than a delay, whatever the words.
func TestADelayIsOnlyADelay(t *testing.T) {
	t.Parallel()
	r := finding{said: said{action: "delayed", status: "4.4.1", text: "550 5.1.1 user unknown"}}.report("")
	if r.Hard || r.Outcome != "later" {
		t.Errorf("%+v", r)
	}
}

func TestStatusesAreTakenFromWhoSpeaksMostPrecisely(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ reported, words, want string }{
		{"5.0.0", "smtp; 550 5.1.1 unknown", "5.1.1"},
		{"5.1.1", "smtp; 550 5.7.1 blocked", "5.7.1"},
		{"5.1.1", "smtp; 550 5.0.0 no", "5.1.1"},
		{"4.4.7", "smtp; 421 4.4.2 connection timed out", "4.4.2"},
		{"5.2.2", "no code here, 192.5.1.1 is an address", "5.2.2"},
		{"", "version 5.10.15.20", ""},
	} {
		if got := preferStatus(c.reported, c.words); got != c.want {
			t.Errorf("%s %q: %s, want %s", c.reported, c.words, got, c.want)
		}
	}
}
