package outbox

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"signpost/store"
)

// What the relays and receiving servers in use say, and of whom they say it. The
// stages are those of the corpus line: m MAIL, r RCPT, d DATA, . the final dot.
func TestWhomARepliesSpeaksOf(t *testing.T) {
	t.Parallel()
	for expected, replies := range judged() {
		verdict, outcome, _ := strings.Cut(expected, " ")
		replies = strings.ReplaceAll(replies, "\n\t\t\t\t", " ") // a line set in further goes on with the one before
		for _, line := range strings.Split(strings.TrimSpace(replies), "\n") {
			at, text, _ := strings.Cut(strings.TrimSpace(line), " ")
			for _, stage := range at {
				j := Judge(stageOf(stage), strings.Split(text, " / "), Parties{})
				got := string(j.Verdict) + " " + string(j.Told())
				if got != verdict+" "+outcome {
					t.Errorf("at %s: %q is %s, want %s", stageOf(stage), text, got, expected)
				}
			}
		}
	}
}

func stageOf(r rune) Stage {
	return map[rune]Stage{'m': StageMail, 'r': StageRcpt, 'd': StageData, '.': StageDot}[r]
}

func judged() map[string]string {
	return map[string]string{
		"hold none": `
			mr. 550 Sender address is not allowed.
			r. 550-Requested action not taken: mailbox unavailable / 550 Failure sending mail. Try again later
			r. 550-Requested action not taken: mailbox unavailable / 550 Sender address is not allowed.
			mr 550 5.1.0 <support@desk.example>: Sender address rejected: User unknown in virtual mailbox table
			mr 550 5.1.8 <support@desk.example>: Sender address rejected: Domain not found
			mr 553 5.7.1 <support@desk.example>: Sender address rejected: not logged in
			mr 553 5.7.1 Sender address rejected: not owned by auth user.
			mr 504 5.5.2 <support>: Sender address rejected: need fully-qualified address
			r 504 5.5.2 <localhost>: Helo command rejected: need fully-qualified hostname
			r 550 5.7.1 <desk>: Helo command rejected: Access denied
			r 554 5.7.1 <ana@partner.example>: Relay access denied
			r 554 <ana@partner.example>: Recipient address rejected: Relay access denied
			r 550 relay not permitted!
			r 550-Please turn on SMTP Authentication in your mail client. /
				550-desk.example (host) [192.0.2.7]:4711 is not permitted to / 550 relay through this server without authentication.
			r 550 Relaying is prohibited
			r 550 5.7.1 Unable to relay for ana@partner.example
			r 550 5.7.54 SMTP; Unable to relay recipient in non-accepted domain
			r 550 5.7.64 TenantAttribution; Relay Access Denied [X.prod.outlook.com]
			r 550 5.4.1 Relay Access Denied
			r 550 5.1.2 Relay not allowed.
			r 550 5.7.1 <ana@partner.example>... Relaying denied. Proper authentication required.
			r 550 <ana@partner.example>... Forwarding Denied
			r 553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)
			r 553 5.7.1 Relaying disallowed as support@desk.example
			r 550 Delivery is not allowed to this address.
			r 550 I cannot deliver mail for ana@partner.example
			r 550-5.7.1 Invalid credentials for relay [192.0.2.7]. The IP address you've /
				550-5.7.1 registered in your G Suite SMTP Relay service doesn't match domain of the /
				550 5.7.1 account this email is being sent from.
			mr 550-5.7.0 Mail relay denied [192.0.2.7]. Invalid credentials for relay
			mrd. 550 5.4.5 Daily user sending limit exceeded. For more information go to
				https://support.google.com/a/answer/166852
			mrd. 550-5.4.5 Daily SMTP relay sending limit exceeded for customer. /
				550 5.4.5 https://support.google.com/a/answer/2956491
			r 550 Domain desk.example has exceeded the max emails per hour (150/150 (100%)) allowed. Message discarded.
			r 550 Domain desk.example has exceeded the max defers and failures per hour (5/5 (100%)) allowed. Message discarded.
			r 550 User support@desk.example has exceeded its 24-hour sending limit. Messages to 1 recipients out of 1 have been
				rejected.
			. 552 Message would take you over your relay quota of 500 Current quota used: 487
			. 554 5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException; Failed to process message due to a
				permanent exception
			. 554 5.2.252 SendAsDenied; support@desk.example not allowed to send as ops@desk.example;
				STOREDRV.Submission.Exception:SendAsDeniedException.MapiExceptionSendAsDenied
			. 550 5.1.90 Your message can't be sent because you've reached your daily limit for message recipients
			. 550 5.7.60 SMTP; Client does not have permissions to send as this sender
			m 530 5.7.57 SMTP; Client was not authenticated to send anonymous mail during MAIL FROM
			. 550 5.7.501 Service unavailable. Spam abuse detected from IP range.
			. 550 5.7.705 Access denied, tenant has exceeded threshold
			. 550 5.7.703 Your message can't be delivered because messages to ana@partner.example are blocked by your
				organization using Tenant Allow Block List.
			. 550 5.7.750 Service unavailable. Client blocked from sending from unregistered domains.
			. 554 5.2.121 The sender has exceeded the limit for the number of messages they can send to this recipient per hour.
			. 554 Message rejected: Email address is not verified. The following identities failed the check in region
				EU-WEST-1: support@desk.example
			. 554 Access denied: User 'arn:aws:iam::1:user/x' is not authorized to perform 'ses:SendRawEmail' on resource
				'arn:aws:ses:eu-west-1:1:identity/desk.example'
			. 554 Message rejected: Sending paused for this account. For more information, please check the inbox of the email
				address associated with your AWS account.
			. 554 Transaction failed: Daily message quota exceeded.
			. 550 The from address does not match a verified Sender Identity. Mail cannot be sent until this error is resolved.
			m. 550 Unauthenticated senders not allowed
			. 550 5.7.1 The given address is not verified with this account; maximum credits exceeded
			r. 550 5.7.1 Domain sandbox1.mailgun.example is not allowed to send: Free accounts are for test purposes only.
				Please upgrade or add the address to authorized recipients in Account Settings.
			m 501 mail from address must be same as authorization user
			m 553 Mail from must equal authorized user
			m 501 5.5.4 You are not allowed to send from this address.
			m 503 5.5.1 You must authenticate first.
			m 502 5.5.1 Unimplemented
			mr 530 Authentication required
			m 530 5.7.0 Must issue a STARTTLS command first
			mr 535 5.7.8 Error: authentication failed
			m 550 5.1.8 Access denied, bad outbound sender
			m 550 mailbox unavailable
			m 550 5.2.1 account has been disabled
			m 552 5.2.2 mailbox is full
			m 550 5.1.1 <support@desk.example>: user unknown
			m 553 Requested action not taken: NULL sender is not allowed
			mr 550-Verification failed for <support@desk.example> / 550-Called: 192.0.2.9 /
				550-Sent: RCPT TO:<support@desk.example> / 550-Response: 550 5.1.1 User unknown / 550 Sender verify failed
			m 550 Sender verify failed
			r 550 5.4.6 Unusual sending activity detected. Please try after sometime
			mr 553 5.7.1 Sender is not allowed to relay emails
			. 554 5.1.8 Email Outgoing Blocked.
			r. 550 Outgoing mail from "support@desk.example" has been suspended.
			r. 554 5.7.1 <support@desk.example>: the sending account has been suspended
			. 550 5.7.1 Your account has been suspended
			r 550 Sender frequency limited
			r 550 5.7.1 Policy: the mail account desk has been blocked from sending
			r 550 Administrative prohibition
			d 554 5.5.1 Error: no valid recipients
			d 503 5.5.1 RCPT first
			d 503 5.5.1 Need a recipient first
			r. 554 5.7.1 Service unavailable
			r. 554 5.7.1 <unknown[192.0.2.7]>: Client host rejected: Access denied
			. 554 Transaction failed / 554 Reject due to policy restrictions.
			m 554 5.7.1 Message rejected for policy reasons
			. 550 5.7.1 [CS01] Message rejected due to local policy.
			r 550 5.7.1 Absender nicht erlaubt
			. 550 5.7.133 RESOLVER.RST.SenderNotAuthenticatedForGroup; authentication required; Delivery restriction check
				failed because the sender was not authenticated when sending to this group
			. 550 5.7.1 mailbox of the sender is over quota
			r 550 5.7.1 Expéditeur non autorisé : adresse <support@desk.example> inconnue
			r 550 Adresse de l'expéditeur inconnue
			r 550 5.1.0 Отправитель <support@desk.example> не существует
			r 550 Remetente <support@desk.example> desconhecido
			r 550 Afzender onbekend
			r 550 user not found in SASL database
			r 550 SMTP AUTH user account expired
			r 550 5.2.1 The user who sent this is inactive
			. 554 5.2.2 message quota exceeded for this API key
			r 550 mailbox quota: 500 of 500 mails sent today
			r 550 5.7.1 This account may not contact external recipients
			r 550 Only local recipients accepted
			r 550 5.7.1 Server Unavailable: sending from this account has been blocked
			. 550 5.2.0 Account locked: spam complaints over threshold
			m 501 Syntactically invalid EHLO argument(s)`,
		"hold refused": `
			. 550-5.7.26 This mail has been blocked because the sender is unauthenticated. /
				550-5.7.26 Gmail requires all senders to authenticate with either SPF or DKIM.
			. 550-5.7.26 Unauthenticated email from desk.example is not accepted due to domain's DMARC policy.
			r 554 5.7.1 Service unavailable; Client host [192.0.2.7] blocked using zen.spamhaus.org;
				https://www.spamhaus.org/query/ip/192.0.2.7
			r 550 5.7.1 Service unavailable, MailFrom domain is listed in Spamhaus.
			r 550 5.7.606 Access denied, banned sending IP [192.0.2.7]. To request removal from this list please visit
				https://sender.office.com/
			r 550 5.7.708 Service unavailable. Access denied, traffic not accepted from this IP.
			. 550 5.7.509 Access denied, sending domain desk.example does not pass DMARC verification and has a DMARC policy of
				reject
			. 550 5.7.515 Access denied, sending domain desk.example doesn't meet the required authentication level.
			r 550 5.7.1 Unfortunately, messages from [192.0.2.7] weren't sent. Please contact your Internet service provider
				since part of their network is on our block list (S3150).
			. 550-5.7.1 [192.0.2.7 12] Our system has detected that this message is likely suspicious due to the very low
				reputation of the sending IP address.
			. 550-5.7.28 [192.0.2.7] Gmail has detected an unusual rate of unsolicited mail originating from your IP address.
			r 550-5.7.25 [192.0.2.7] The IP address sending this message does not have a PTR record setup
			r 550 5.7.23 SPF validation failed
			r 550 DY-001 Mail rejected by Windows Live Hotmail for policy reasons. We generally do not accept email from dynamic
				IP's
			r 550 SPF: 192.0.2.7 is not allowed to send mail from desk.example
			r 550 rejected because 192.0.2.7 is in a black list at zen.spamhaus.org
			r 554 5.7.1 <ana@partner.example>: Recipient address rejected: Mail appeared to be SPAM or forged. Ask your
				Mail/DNS-Administrator to correct HELO and DNS MX settings or to get removed from DNSBLs
			r 450-oops / 550 5.7.1 Client host rejected: cannot find your reverse hostname, [192.0.2.7]`,
		"fail dead": `
			rd. 550 5.1.1 <ana@partner.example>: Recipient address rejected: User unknown in virtual mailbox table
			r 550 5.1.1 <ana@partner.example>: Recipient address rejected: User unknown in relay recipient table
			r 550 5.1.1 <ana@partner.example>: Recipient address rejected: undeliverable address: host
				mx.partner.example[192.0.2.9] said: 550 5.1.1 User unknown (in reply to RCPT TO command)
			r 550 5.1.1 <ana@relay.partner.example>: user unknown
			r. 550-5.1.1 The email account that you tried to reach does not exist. Please try /
				550 5.1.1 double-checking the recipient's email address for typos
			r. 550 5.2.1 The email account that you tried to reach is inactive.
			. 550 5.2.1 The email account that you tried to reach is disabled. Learn more at
				https://support.google.com/mail/?p=DisabledUser
			r 553-5.1.2 We weren't able to find the recipient domain. Please check for any spelling errors
			r 553-5.1.3 The recipient address <ana> is not a valid RFC 5321 address.
			r. 550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient ana@partner.example not found by SMTP address lookup
			r 550 5.4.1 Recipient address rejected: Access denied. AS(201806281)
			r 550 5.4.1 All recipient addresses rejected : Access denied
			r 550 No such user here
			r. 550 Unknown user
			r 550 5.1.2 Mailbox does not exist.
			r 511 sorry, no mailbox here by that name (#5.1.1 - chkuser)
			r. 554 delivery error: dd This user doesn't have a yahoo.example account (ana@partner.example) [0]
			r 550 5.7.1 No such user!
			r 550 Mailbox not found
			r 550 Requested action not taken: mailbox unavailable
			r 550 5.5.0 Requested action not taken: mailbox unavailable (S2017062302). [X.eop-nam12.prod.protection.outlook.com]
			r 550 Unrouteable address
			r 550-Callout verification failed: / 550 550 5.1.1 <ana@partner.example> User unknown
			r 550 5.1.1 Not our Customer
			r 501 5.1.3 Bad recipient address syntax
			r 504 5.5.2 <ana>: Recipient address rejected: need fully-qualified address
			r 550 5.1.2 <ana@nowhere.example>: Recipient address rejected: Domain not found
			r 556 5.1.10 <ana@partner.example>: Recipient address rejected: Domain partner.example does not accept mail (nullMX)
			r 550 5.1.6 recipient no longer on server
			r 550 The recipient's mailbox is no longer active
			r 550-The mail server could not deliver mail to ana@partner.example. /
				550-The account or domain may not exist, they may be blacklisted, or missing the proper dns entries. /
				550 No Such User Here
			r 550 El buzón no existe
			r 550 5.1.1 Benutzer unbekannt
			r 550 用户不存在
			r 550 5.2.1 This mailbox has been blocked due to inactivity
			r 550 Message was not accepted -- invalid mailbox. Local mailbox ana@partner.example is unavailable: account is
				disabled
			r 550 The mail address you are trying to send to (ana@partner.example) is no longer in use
			. 550 You tried to send to a recipient that has been marked as inactive. Found inactive addresses:
				ana@partner.example. Inactive recipients are ones that have generated a hard bounce or a spam complaint.
			r 550 "The recipient cannot be verified. Please check all recipients of this message to verify they are valid."
			r 550 Gebruiker onbekend
			r 550 That user does not have an account here
			r 550 Recipient is no longer with the company
			r 550 Nieznany użytkownik
			r 550 Usuário desconhecido
			r 550 Адресат не найден`,
		"fail later": `
			r. 552 5.2.2 <ana@partner.example>: Recipient mailbox is full
			r. 552-5.2.2 The email account that you tried to reach is over quota. Please direct /
				552 5.2.2 the recipient to https://support.google.com/mail/?p=OverQuotaPerm
			r. 552-5.2.2 The recipient's inbox is out of storage space.
			r 552 Requested mail action aborted: exceeded storage allocation
			r 554 5.2.2 mailbox full
			r. 550-5.2.1 The user you are trying to contact is receiving mail at a rate that /
				550 5.2.1 prevents additional messages from being delivered.
			r 552 5.2.2 Mailbox size limit exceeded
			r 552 Mailbox for ana@partner.example is full
			r 552 Caixa postal cheia
			r 552 Postfach des Empfängers ist voll`,
		"fail refused": `
			r 554 5.7.1 <ana@partner.example>: Recipient address rejected: Access denied`,
		"fail none": `
			mr. 554 5.3.4 Message too big for system
			m 552 5.3.4 Message size exceeds fixed limit
			m 552 5.3.4 Error: message file too big
			m 552 Message size exceeds maximum permitted
			. 552-5.2.3 Your message exceeded Google's message size limits.
			. 552-5.7.0 This message was blocked because its content presents a potential / 552 5.7.0 security issue.
			. 550 Mail content denied
			. 554 5.7.1 Message rejected under suspicion of SPAM
			. 554 5.6.0 Mail message is malformed. Not accepted.
			. 550 5.7.1 virus Eicar-Test-Signature detected by ClamAV
			. 554 DT:SPM 163 smtp8
			. 554 Transaction failed: Duplicate header 'Subject'.
			. 554 5.7.1 Blocked by SpamAssassin
			. 554 rejecting banned content
			. 554 5.6.1 Attachment type .zip not permitted
			. 550 This message has been rejected because it contains a file with a forbidden extension
			. 554 Message rejected: Message length is more than 10485760 bytes long: '11000000'.`,
		"retry none": `
			rd 452 4.4.5 Maximum number of messages per session exceeded
			r 450 4.2.0 <ana@partner.example>: Recipient address rejected: Greylisted, see you in 300 seconds
			r 454 4.7.1 <ana@partner.example>: Relay access denied
			r 450 4.1.1 <ana@partner.example>: Recipient address rejected: unverified address: Address verification in progress
			. 454 Throttling failure: Maximum sending rate exceeded.
			. 451 4.3.0 disk full
			m 421 4.7.0 try again later
			r 501 5.5.4 Unrecognized parameter NOTIFY=FAILURE,DELAY
			m 555 5.5.4 Unsupported option: SMTPUTF8
			m 555 5.5.4 MAIL FROM parameter RET is not supported
			m 504 5.5.4 Command parameter not implemented
			m 504 5.7.4 Unsupported parameter: RET
			r 501 NOTIFY parameter not permitted
			mr 501 Syntax error in parameters or arguments
			m 501 5.5.4 Syntax: MAIL FROM:<address>
			r 555-5.5.2 Syntax error, goodbye.`,
	}
}

// With the addresses of the mail known, whose one is quoted decides what the words
// leave open.
func TestWhoseAddressIsQuoted(t *testing.T) {
	t.Parallel()
	who := Parties{To: "Ana@partner.example", Ours: []string{"support@desk.example", "bounces+b-4x@desk.example"}}
	for reply, want := range map[string]string{
		"550 <ana@PARTNER.example>: Rejected":                                             "fail refused",
		"550 5.2.1 <support@desk.example> is disabled":                                    "hold none",
		"550 <bounces+b-4x@desk.example> is not known here":                               "hold none",
		"550 <bounces@desk.example> is not known here":                                    "hold none",
		"550 <ana@partner.example>: user unknown":                                         "fail dead",
		"554 5.7.1 <ana@partner.example>: Relay access denied":                            "hold none",
		"550 5.1.1 <ana@partner.example> refuses this sender":                             "hold none",
		"550 mail from support@desk.example to ana@partner.example is rejected by policy": "hold none",
	} {
		if j := Judge(StageRcpt, []string{reply}, who); string(j.Verdict)+" "+string(j.Told()) != want {
			t.Errorf("%q is %s %s, want %s", reply, j.Verdict, j.Told(), want)
		}
	}
}

// Whatever is said, at MAIL and with a code of class 4 no address dies of it.
func TestNobodyIsBlamedBeforeTheyAreNamed(t *testing.T) {
	t.Parallel()
	all := strings.Fields("user unknown sender relay <ana@partner.example> mailbox full 5.1.1 5.2.1 550 quota exceeded " +
		"limit spam recipient syntax size . - ( [ #5.1.1)")
	rapid.Check(t, func(t *rapid.T) {
		words := strings.Join(rapid.SliceOfN(rapid.SampledFrom(all), 0, 12).Draw(t, "words"), " ")
		for _, stage := range []Stage{StageMail, StageRcpt, StageData, StageDot} {
			code := rapid.SampledFrom([]string{"450", "451", "500", "501", "550", "552", "554", "571"}).Draw(t, "code")
			j := Judge(stage, []string{code + " " + words}, Parties{})
			temporary := code[0] == '4'
			if temporary && j.Verdict != Retry {
				t.Fatalf("%s %s at %s: %s", code, words, stage, j.Verdict)
			}
			if j.Verdict != Fail && j.Told() == store.OutcomeDead || stage == StageMail && j.Told() != OutcomeNone &&
				j.Told() != store.OutcomeRefused {
				t.Fatalf("%s %s at %s: %s %s", code, words, stage, j.Verdict, j.Told())
			}
		}
	})
}
