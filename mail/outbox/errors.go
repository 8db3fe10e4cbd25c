package outbox

import (
	"errors"
	"fmt"
	"strings"

	"signpost/store"
)

// Stage is how far a try had come when it failed.
type Stage string

// The stages of a try, in order.
const (
	StageCompose  Stage = "compose"  // the mail could not be made, or may not be sent as it is
	StageConnect  Stage = "connect"  // dialling, and the TLS handshake of an implicit TLS port
	StageGreeting Stage = "greeting" // RFC 5321 section 3.1
	StageHello    Stage = "hello"
	StageTLS      Stage = "starttls"
	StageAuth     Stage = "auth"
	StageMail     Stage = "mail"
	StageRcpt     Stage = "rcpt"
	StageData     Stage = "data" // up to the last byte before the final dot
	StageDot      Stage = "dot"  // the final dot is under way or sent
)

// DeliveryError is why a mail was not handed over.
type DeliveryError struct {
	// Verdict is what becomes of the mail. Everything that is not known to be final
	// is tried again.
	Verdict  Verdict
	Report   store.Report // of Judgement
	Code     int          // the relay's reply code, 0 when it did not reply
	Enhanced string       // its enhanced status code (RFC 3463), "" without one
	Reply    string       // its text, lines joined by a newline; it may hold addresses
	Stage    Stage
	Err      error // the cause where no reply is: network, TLS, timeout
}

func (e *DeliveryError) Error() string {
	if e.Code == 0 {
		return fmt.Sprintf("at %s: %v", e.Stage, e.Err)
	}
	return fmt.Sprintf("at %s: %s", e.Stage, e.said())
}

func (e *DeliveryError) Unwrap() error { return e.Err }

// said is the reply as the relay wrote it, or the cause where it was silent.
func (e *DeliveryError) said() string {
	if e.Code == 0 {
		return e.Error()
	}
	return strings.Join(strings.Fields(fmt.Sprintf("%d %s %s", e.Code, e.Enhanced, e.Reply)), " ")
}

// ofRelay tells that the fault lies with the relay or our login, not with the
// mail: any other mail would have met it too.
func (e *DeliveryError) ofRelay() bool {
	switch e.Stage {
	case StageConnect, StageGreeting, StageHello, StageTLS, StageAuth:
		return true
	}
	return e.Code == 421
}

// strikes tells that the fault may lie with the relay: the line broke or fell
// silent in a dialogue, or the sender was put off before a recipient was named.
// One alone proves nothing, several in a row do.
func (e *DeliveryError) strikes() bool {
	if e.Stage == StageCompose || e.Verdict == Hold || e.Verdict == Fail {
		return false
	}
	return e.Code == 0 || e.Stage == StageMail
}

// stale tells that a connection which had lain idle was no longer good: it
// broke, was closed with 421, or its login had run out, before the mail was
// begun. That says nothing of the mail nor of the relay.
func (e *DeliveryError) stale() bool {
	return e.Stage == StageMail && (e.Code == 421 || e.Code == 0 || loginReply(e.Code))
}

// uncertain tells that the mail may have been taken: the final dot was on its
// way and no reply came.
func (e *DeliveryError) uncertain() bool { return e.Stage == StageDot && e.Code == 0 }

// loginReply tells whether a code speaks of the login or of missing encryption
// (RFC 4954 section 6, RFC 3207 section 4).
func loginReply(code int) bool {
	return code == 530 || code == 534 || code == 535 || code == 538
}

// judge settles what becomes of the mail by what the relay said of it; a fault
// that is no reply about a mail is left as it is.
func (e *DeliveryError) judge(who Parties) {
	switch e.Stage {
	case StageMail, StageRcpt, StageData, StageDot:
		if e.Code != 0 && e.Verdict == "" {
			j := judge(e.Stage, reply{code: e.Code, enhanced: e.Enhanced, text: e.Reply}, who)
			e.Verdict, e.Report = j.Verdict, j.Report
		}
	}
}

// refused is the error of a reply that was not the one hoped for.
func refused(stage Stage, r reply) *DeliveryError {
	return &DeliveryError{
		Code: r.code, Enhanced: r.enhanced, Reply: r.text,
		Stage: stage,
	}
}

// broken is the error of a line that failed.
func broken(stage Stage, err error) *DeliveryError {
	return &DeliveryError{Stage: stage, Err: err}
}

// unsendable is the error of a mail that this relay can never take.
func unsendable(format string, args ...any) *DeliveryError {
	return &DeliveryError{Verdict: Fail, Stage: StageCompose, Err: fmt.Errorf(format, args...)}
}

// errTooLarge is the fault of a mail above the limit that the relay offers (RFC 1870).
var errTooLarge = errors.New("the message is too large")

// tooLarge tells whether the mail was refused for its size: by the limit that the relay
// offers, in answer to its SIZE (RFC 1870 section 6.1), or later (RFC 3463 section 3.4).
func (e *DeliveryError) tooLarge() bool {
	return errors.Is(e, errTooLarge) || e.Enhanced == "5.3.4" || e.Code == 552 && e.Stage == StageMail
}

// asDelivery finds the DeliveryError in err; any other error becomes a
// temporary one at stage.
func asDelivery(stage Stage, err error) *DeliveryError {
	var d *DeliveryError
	if errors.As(err, &d) {
		return d
	}
	return broken(stage, err)
}
