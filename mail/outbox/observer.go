package outbox

import (
	"time"

	"signpost/store"
)

// Attempt is one try that ended.
type Attempt struct {
	Kind    store.OutboundKind
	Outcome store.OutboundState // sent, queued (to be tried again), held, failed, unknown
	Stage   Stage               // where it failed, "" when it did not
	Code    int                 // the relay's reply code, 0 when it did not reply
	Took    time.Duration       // the dialogue, dialling included
	Waited  time.Duration       // from queueing to now
}

// Observer is told what happens, for metrics. Every field may be nil. The
// functions must return at once and not call the Sender.
type Observer struct {
	Attempt func(Attempt)
	// PutBack: a claimed row returned to the queue untried (relay down, stop).
	PutBack func()
	Relay   func(RelayStatus) // every change, and every failed probe
	Hold    func(h HoldStatus, over bool)
}

func (o Observer) attempt(a Attempt) {
	if o.Attempt != nil {
		o.Attempt(a)
	}
}

func (o Observer) putBack() {
	if o.PutBack != nil {
		o.PutBack()
	}
}

func (o Observer) hold(h HoldStatus, over bool) {
	if o.Hold != nil {
		o.Hold(h, over)
	}
}

func (o Observer) relay(s RelayStatus) {
	if o.Relay != nil {
		o.Relay(s)
	}
}
