package outbox

// Mend is what usually ends a hold, by the words in which the relay refuses; the
// relay's own operator may know better.
func Mend(stage Stage, said string) string {
	w := readWords(stage, parseReply([]string{said}), Parties{})
	switch {
	case sendingLimit.MatchString(w.plain):
		return "A limit on how much may be sent is reached. It may lift by itself; the relay's operator can raise it."
	case ofStanding.MatchString(w.text), w.has(standingStatuses...), w.hasBannedIP():
		return "Receiving servers do not trust our address or domain. Check SPF, DKIM, DMARC and reverse DNS of the relay " +
			"with signpost check, and look the relay's address up in the block list that is named."
	case loginReply(w.reply.code), needsLogin.MatchString(w.plain):
		return "The relay wants a login, or another one. Check smtp.username, the password and smtp.auth; signpost check " +
			"tries them."
	case mayNotRelay.MatchString(w.plain):
		return "The relay does not forward mail from here. Allow this machine's address or login to relay there, or name " +
			"another relay in smtp.address."
	case sendersOwn.MatchString(w.plain), w.quotes.ours:
		return "The relay does not accept the sender. Allow every region's address, with its +tag, as a sender there, or " +
			"verify the domain with the provider."
	}
	return "The words above are the server's own. Ask the operator of the relay what they mean; signpost check tests " +
		"the settings."
}

var (
	needsLogin  = anyOf(`authenticat`, `log ?in\b|logged in`, `password|credential`)
	mayNotRelay = anyOf(`\brelay`, `rcpt ?hosts`, `forwarding denied`, `not allowed to this address`,
		`cannot deliver mail for`)
	sendersOwn = anyOf(`\bsender|\bidentit|verified|send ?-?as|from address|mail from|not owned`,
		`must (be|equal|match)|spoof`)
)
