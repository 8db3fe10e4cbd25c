package store

import "time"

// Stats are the counts kept beside the rows.
type Stats struct {
	Tickets   map[string]uint64        // by Region.ID
	Outbounds map[OutboundState]uint64 // by state
	Throttled map[string]uint64        // throttled mails, by the name of the budget that was spent first
	Fates     map[Fate]uint64          // mails reported on, by fate
	Inbounds  map[InboundState]uint64  // by state
	Verdicts  map[Kind]uint64          // decided mails by kind
	Rules     map[string]uint64        // decided mails by rule that fired
	RawBytes  uint64                   // what the raw mails of the ledger take, as they are kept
	// OldestQueued is when the outbox's longest-waiting row was queued; zero
	// when nothing waits.
	OldestQueued time.Time
}
