package outbox

import (
	"regexp"
	"strings"

	"signpost/store"
)

// The words by which replies tell whom they speak of, as the relays and receiving
// servers in use write them. Each pattern is a shape, not one server's sentence;
// they are matched against lower case with single spaces, in which <to>, <us> and
// <address> stand for the recipient's, our own and any other address.

// maxJudged bounds how much of a reply is read.
const maxJudged = 4096

var (
	links     = regexp.MustCompile(`https?://\S+`)
	addresses = regexp.MustCompile(`<?[^\s<>()\[\]"',;:]+@[\p{L}\p{N}](?:[\p{L}\p{N}.-]*[\p{L}\p{N}])?>?`)
	// asides are a server's notes to itself: "[abc-eop]", "(S2017)".
	asides    = regexp.MustCompile(`\[[^\]]*\]|\([a-z]*\d+[a-z0-9]*\)|<[^>]*>:?|- gsmtp$`)
	hosts     = regexp.MustCompile(`\b[a-z0-9_-]+(?:\.[a-z0-9_-]+)*\.[a-z]{2,}\b`)
	enhanceds = regexp.MustCompile(`(^|[^\d.])([245])\.(\d{1,3})\.(\d{1,3})($|[^\d.]|\.($|\D))`)
	// ofTables are names of a server's own tables and of its checks, which hold words
	// that elsewhere speak of us.
	ofTables = regexp.MustCompile(`relay[ _](recipient|domain)s?( table| maps)?|(recipient |callout |address )+verif\w+` +
		`|in reply to (the )?\w+( from| to)?( command)?|relay=\S*|(error: )?no valid recipients`)
	// toReach is what replies call the recipient without naming one: "the address you
	// are trying to send to". It holds words that elsewhere speak of a sender.
	toReach = regexp.MustCompile(`\b(try(ing)?|tried|attempt(ed|ing)?) to (send|mail|write|deliver)` +
		`( (an? |your |this )?(e-?mail|mail|message)s?)? to\b`)
	// hedged: what may be the reason is none.
	hedged = regexp.MustCompile(`(may|might|could) be (black|block) ?listed`)
	// rfcWords are what RFC 5321 section 4.2.3 has for each code. Before other words
	// they say nothing.
	rfcWords = regexp.MustCompile(`requested (mail )?action (not taken|aborted)[:,]? *` +
		`(mailbox unavailable|mailbox name not allowed|exceeded storage allocation|error in processing)?` +
		`|transaction failed`)
)

// any of the patterns, in one expression.
func anyOf(patterns ...string) *regexp.Regexp {
	return regexp.MustCompile("(?:" + strings.Join(patterns, ")|(?:") + ")")
}

// ofRelaying: whether we may send through this relay at all, and how much.
var (
	ofRelaying = anyOf(
		`\brelay(ing|ed)?\b`, `rcpt ?hosts`, `forwarding denied`, `non-accepted domain`, `cannot deliver mail for`,
		`not allowed to this address`,
		`not (verified|confirmed|validated)`, `unverified (sender|domain|email|identity|from)`,
		`verified (sender|domain|identity|address)`, `\bidentit(y|ies)\b`,
		`\bsend ?-?as\b|sendasdenied`, `not owned|does not own|do not own`, `(auth|log)\w* (required|first|needed)`,
		`(must|need to|please|required to|not|without) (\w+ )?(authenticat|log ?in)\w*`,
		`password`, `credentials`, `\bapi.?keys?\b`, `\bsasl\b`, `\btenant\b`, `sandbox`,
		`\bexternal (recipient|address|domain|user|mail)`, `\bonly (to )?local\b|\blocal (\w+ )?only\b`,
		`(sending|outgoing|outbound|free|trial|smtp|your|relay) (e?-?mail )?`+
			`(account|plan|subscription|organi[sz]ation|service)`,
		`\bsubmission`, `(outgoing|outbound)`, `\bfrom (sending|relaying)\b|\bsending from\b`,
		`sending (is |has been )?(paused|disabled|suspended|blocked)`,
		`blocked by your`, `null sender`,
	)
	sendingLimit = anyOf(
		`(sending|daily|hourly|monthly|24.?h(ou)?rs?|outgoing|outbound|submission|relay|sender|rate|frequency)`+
			`\b.{0,30}\b(limit|quota|threshold|exceed)`,
		`(limit|quota|threshold|exceed|maximum|max|too many)\w*\b.{0,40}`+
			`\b(per|an|each|every|in one|in a|within a?) ?(day|hour|minute|month|second|24)`,
		`too many (messages|mails|e-?mails|recipients|connections|sessions|errors|requests|transactions)`,
		`rate.?limit|limit(ed)? rate|throttl`,
		`(limit|quota|number|maximum)\b.{0,20}\b(sent|send|sending|messages|mails|e-?mails|defers)\b`,
		`\bsent (today|this (hour|day|month))`,
		`(out of|insufficient|maximum|no) (sending )?credits?`,
		`quotaexceeded`, `\bexceeded threshold`, `unusual (rate|sending|activity|amount)`,
		`suspicious (activity|sending)`,
	)
	// ofSession: a limit of the connection alone, which the next one does not have.
	ofSession = anyOf(
		`\b(messages?|mails?|e-?mails?|transactions?|recipients?)\b.{0,30}\b(session|connection)\b`,
		`\bper (session|connection)\b`,
	)
	ofUs = anyOf(
		sendingLimit.String(), `\bsenders?\b|sendernot`,
		`\bsending (limit|quota|rate|account|user|domain|host|server|address|ip|mail|e-?mail)`, `\bsend(ing)? (limit|quota)`,
		`failure sending`, `(mail|header|envelope)[ .-]?from\b`, `\bfrom:?[ -](address|header|domain|field|user)`,
		`\breturn.?path`, `\breverse.?path`,
		`(to|can'?t|cannot|may not|not) send\b`, `send (on behalf|mail|e-?mail|message)s?\b`, `originat(or|ing)\b`,
		`[eé]metteur|exp[eé]diteur|absender|remitente|remetente|mittente|afzender|nadawc|expeditor|od[eo]s[ií]lat|felad[oó]`,
		`avs[aä]ndar|avsender|afsender|l[aä]hett[aä]j|g[oö]nder(en|ici)|pengirim|отправител|відправник`+
			`|发件人|寄件|送信者|差出人|発信者|발신|보낸`,
		`complaints?\b`, `\bwho sent\b`, `\bsmtp.?auth\b`,
		`\bclient\b`, `\b[eh](h|e)lo\b`, `authenticat`, `\b(un)?authori[sz]`, `\blog(ged)? ?in\b`,
		`starttls|tls (is )?required|encrypt`,
		`(does not|doesn'?t|don'?t|not) match|mismatch|must (match|equal|be the same)`, `permission|permitted`,
		`your (\w+ )?(account|ip|host|server|isp|network|domain|plan|mailbox)\b`,
		`you (are|have|must|need|do not|don'?t|cannot|can'?t|may not)\b.{0,40}`+
			`\b(not|limit|exceed|authenticat|block|log|send|allow|quota|verif|sender)`,
		`banned (sender|user|address|client)`, `upgrade`, `\bspoof`, `\bip\b|\bips\b`, `connections?\b`,
		`valid helo`,
	)
)

// usStatuses are codes of the sender's address, of relaying and of login: RFC 3463
// sections 3.2 and 3.8, RFC 4954, RFC 7505, and Microsoft's.
var usStatuses = []string{
	"1.7", "1.8", "1.90", "4.5", "7.3", "7.8", "7.9", "7.11", "7.27", "7.54", "7.57", "7.60", "7.64", "7.68", "7.501",
	"7.502", "7.503", "7.520", "2.252",
}

// ofStanding: what receiving servers hold against our addresses and domains.
var ofStanding = anyOf(
	`\b(spf|dkim|dmarc|arc)\b`, `reputation`, `(black|block|deny|drop)[ -]?list`, `\b(rbl|dnsbl)s?\b`,
	`blocked using`, `\blisted (at|in|on|by)\b`, `is in a black`,
	`spamhaus|spamcop|barracudacentral|sorbs|uceprotect|abuseat|senderscore|cloudmark|spamrats|surbl|uribl|invaluement`+
		`|\b(zen|cbl|pbl|sbl|xbl)\b`,
	`\bptr\b|reverse.?(dns|hostname|lookup|name)|rdns`, `unauthenticated (e-?mail|mail|message)`,
	`(banned|blocked|bad|sending|source) ip\b`, `traffic not accepted from this ip`,
	`\bip\b.{0,40}(block|ban|list|spam|reject|refus)`,
	`(client host|host|server) (was |is |has been )?(blocked|banned)`, `spam sender|sender.{0,20}spam`,
	`block for spam`,
	`dynamic(ally)? .{0,20}ip|residential`, `messages from .{0,30} were ?n.?t sent`,
	`unsolicited .{0,20}(mail|e-?mail).{0,20}originating`,
)

// standingStatuses are RFC 7372's and RFC 8616's codes of authentication, and those
// that Microsoft and Google use for the like.
var standingStatuses = []string{
	"7.20", "7.21", "7.22", "7.23", "7.24", "7.25", "7.26", "7.28", "7.29", "7.509", "7.511", "7.512", "7.513", "7.515",
	"7.708",
}

// ofParameters: our optional parameters. ofAddress: that an address is at fault.
var (
	ourParameters = regexp.MustCompile(`\b(ret|envid|notify|orcpt|smtputf8|8bitmime)\b`)
	ofParameters  = anyOf(
		`\b(body|size)\b`,
		`parameter|option|argument|extension`,
		`syntax`,
		`unrecogni[sz]ed|not recogni[sz]ed|not implemented|unsupported`,
	)
	ofAddress = anyOf(`\b(bad|invalid|illegal)\b.{0,20}\b(address|sender|recipient|domain|mailbox)`,
		`address syntax|syntax of address|(address|sender|recipient|domain) (is )?(invalid|rejected)`,
		`authori[sz]|authenticat|must be|not allowed|denied|rejected`,
		`\b(ehlo|helo)\b`)
)

// The mail: its size, at any stage, and its content, once it was sent.
var (
	// badFile: what is not permitted is a file, whatever else is said of permission.
	badFile  = anyOf(`attachment|file ?(type|name|extension)|executable|\bmacros?\b`, `\bfiles? (with|of|that)\b`)
	tooLarge = anyOf(
		`(message|mail|content|data|size|body)\b.{0,30}\b(too (big|large|long)|`+
			`exceed\w*( \w+){0,4} (size|length|maximum|limit))`,
		`(message|mail|maximum|max|data|content|fixed|allowed) (\w+ )?size\b`, `size (limit|exceed)`,
		`(message|mail|content) length\b.{0,20}\b(more|larger|longer|greater|over)\b`,
		`too much (mail )?data`,
	)
	contentRefused = anyOf(
		badFile.String(),
		`\b(virus|malware|trojan|phish\w*|infected|worm)\b`,
		`\bcontents?\b`, `\bspam|\bjunk\b|unsolicited|dt:spm`,
		`\bheaders?\b`, `malformed|bare (lf|cr|line|new)|lines? (is |are |was )?too long|line length`,
		`rfc.?\d{3,4}|rfc compliant`, `message.?id\b`, `\bmime\b`,
		`loop detected|too many (hops|received)|mail loop`,
	)
)

// recipientStatuses are the codes that speak of the recipient alone (RFC 3463
// sections 3.2 and 3.3, RFC 7505), and Microsoft's.
var recipientStatuses = []string{"1.1", "1.2", "1.3", "1.6", "1.10", "2.1", "2.2", "2.122", "4.4", "4.310", "1.350",
	"1.351"}

// The recipient: that there is no such mailbox, or no room in it; and, at RCPT,
// that it is closed. boilerplate is what RFC 5321 has for it, and nothing else.
var (
	noMailbox = anyOf(
		`\b(recipient|destination|destinataire|empf.nger|destinatario|addressee)('?s)?\b`,
		`\b(unknown|invalid|no such|nonexist\w+|non-exist\w+|bad|inactive|unrout(e?)able|undeliverable`+
			`|unresolvable|no valid) (\w+ )?(user|mailbox|address|account|alias|local.?part|person|destination|addressee)`,
		`\b(user|mailbox|account|address|alias|customer|person)\b(\s\S+){0,4}? `+
			`(is |was |has |has been |does |did |could |can )?`+
			`(un?known|not (be )?(found|known|exist|here|listed|valid|available)|not exist|doesn'?t (exist|have)`+
			`|no longer|non-?exist\w*|unallocated|misspelled)`,
		`\b(is|are) (no longer|not a) valid`, `no (mailbox|account|user)\b`, `not our customer`,
		`(does not|doesn'?t) have (an |any )?(account|mailbox)`,
		`you tried to reach|you are trying to (contact|reach)`, `\b(bad|invalid|illegal) rcpt\b`,
		`\b(host|domain)( name)? (is )?(not found|unknown|does not exist)`,
		`\b(unknown|nonexistent|invalid) (host|domain)\b`, `null mx`,
		`(mailbox|inbox|user|account|storage|disk)\b.{0,30}\b(full|quota|out of|exceed)`,
		`over ?quota|out of storage|quota exceeded|quota violation`, `mailbox size limit`,
		`local mailbox|invalid mailbox`,
		`(buz[oó]n|usuario|cuenta) .{0,20}(no existe|desconocid|llen)|(utilisateur|adresse) .{0,20}inconnue?`+
			`|bo[iî]te .{0,20}(inconnue|n'existe|pleine)`,
		`(benutzer|empf.nger|postfach|adresse) .{0,20}(unbekannt|existiert nicht|voll)`+
			`|(utente|casella) .{0,20}(sconosciut|inesistente|non esiste|piena)`,
		`(用户|邮箱|收件人).{0,6}(不存在|已满)|(пользовател|адресат|получател|ящик).{0,20}(не найден|не существует|неизвест|переполнен)`,
		`(gebruiker|adres|postvak|postbus) .{0,20}(onbekend|bestaat niet|vol$)`,
		`(usu[aá]rio|caixa|endere[cç]o|destinat[aá]rio) .{0,20}(desconhecid|n[aã]o existe|inexistente|chei[ao])`,
		`(u[zż]ytkownik|adresat|odbiorc|skrzynk).{0,20}(nieznan|nie istnieje|pe[lł]n)`+
			`|nieznan.{1,4}(u[zż]ytkownik|adresat|odbiorc)`,
		`\bmailbox (is |was |has been |been )*`+
			`(inactive|disabled|deactivated|suspended|closed|deleted|removed|expired|discontinued)`,
	)
	closedMailbox = anyOf(
		`\b(user|mailbox|account|address)\b(\s\S+){0,3}? (is |was |has been |been )*`+
			`(inactive|disabled|deactivated|suspended|unavailable|closed|deleted|removed|expired`+
			`|locked|blocked|rejected|discontinued|not allowed)`,
		`(address|mailbox|user) (rejected|unavailable)`, `target address`, `exceeded storage`,
	)
	// mailboxGone: whatever the code, it takes no mail any more.
	mailboxGone = anyOf(`no such (user|mailbox|address|account|recipient)|user unknown|unknown user`,
		`no longer (active|valid|in use|available|exists?|here|on (this )?server|accepting|a)\b`,
		`no longer (with|works?|employed|monitored)\b`,
		`inactiv|disabled|deactivated|discontinued|deleted`, `(does|do) ?n.t exist|does not exist|(doesn.t|does not) have`,
		`cannot be verified|no existe|desconocid|inconnu|unbekannt|existiert nicht|sconosciut|inesistente|non esiste`+
			`|不存在|не найден|не существует|неизвест`,
		`onbekend|bestaat niet|desconhecid|n[aã]o existe|nieznan|nie istnieje`,
	)
	// mailboxFull: there is no room in it now.
	mailboxFull = anyOf(`\bfull\b|over ?quota|out of storage|exceeded storage`,
		`\bvoll\b|\bpleine?\b|\blleno?\b|\bpien[ao]\b|\bchei[ao]\b|\bvol$|pe[lł]n|已满|переполнен`,
	)
	// suppressedThere: the provider itself writes to that recipient no more.
	suppressedThere = anyOf(`suppression list|\bis suppressed`, `(recipient|address)\b.{0,30}\bmarked as inactive`)
	// receivingLimit: the recipient gets more than it may, from all senders together.
	receivingLimit = anyOf(
		`receiving (e?-?mail|messages?) (at a rate|too)`,
		`\bcan receive\b`,
		`recipient('s mailbox)? (has|is) (exceeded|over)`,
	)
	boilerplate = regexp.MustCompile(`^(requested (mail )?action (not taken|aborted)[:,]? *)?` +
		`(mailbox unavailable|mailbox name not allowed|exceeded storage allocation|mailbox not found)\b.{0,30}$`)
)

// readWords prepares a reply for the patterns.
func readWords(at Stage, r reply, who Parties) words {
	w := words{at: at, reply: r, to: who.To}
	raw := r.text[:min(len(r.text), maxJudged)]
	w.statuses = statusesIn(r.enhanced, raw)
	text := strings.ToLower(strings.Join(strings.Fields(raw), " "))
	text = addresses.ReplaceAllStringFunc(hedged.ReplaceAllString(links.ReplaceAllString(text, ""), ""),
		func(quoted string) string {
			return w.quotes.note(strings.Trim(quoted, "<>"), who)
		})
	w.text = text
	plain := toReach.ReplaceAllString(text, "tried to reach")
	for _, noise := range []*regexp.Regexp{hosts, asides, ofTables} {
		plain = noise.ReplaceAllString(plain, " ")
	}
	if rest := strings.Trim(rfcWords.ReplaceAllString(plain, " "), " .:,;-<>"); rest != "" {
		plain = rest
	}
	w.plain = strings.Trim(strings.Join(strings.Fields(plain), " "), " .")
	return w
}

// note takes down whose address is quoted, and returns what stands for it.
func (m *mentions) note(quoted string, who Parties) string {
	if who.To != "" && store.AddressKey(quoted) == store.AddressKey(who.To) {
		m.recipient = true
		return "<to>"
	}
	for _, own := range who.Ours {
		if own != "" && store.AnswerKey(quoted) == store.AnswerKey(own) {
			m.ours = true
			return "<us>"
		}
	}
	m.unknown = true
	return "<address>"
}

// statusesIn are the enhanced codes (RFC 3463) of a reply, wherever they stand,
// without their class; X.0.0 says nothing.
func statusesIn(enhanced, text string) (all []string) {
	add := func(s string) {
		if s != "0.0" {
			all = append(all, s)
		}
	}
	if len(enhanced) > 2 {
		add(enhanced[2:])
	}
	for _, m := range enhanceds.FindAllStringSubmatch(text, -1) {
		add(m[3] + "." + m[4])
	}
	return all
}
