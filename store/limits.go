package store

// FirstNumber is the first ticket number of a prefix: US-1001.
const FirstNumber = 1001

// QuarantineAfter is how many failed attempts to read or to judge a mail end in
// quarantine.
const QuarantineAfter = 3

// What a caller may hand in, in bytes where no other unit stands; more is ErrInvalid.
// Each is far above what the pages and the mail need.
const (
	MaxBody           = 4 << 20 // one entry's text
	MaxField          = 16 << 10
	MaxFiles          = 1000 // of one entry
	MaxIdempotencyKey = 200
	MaxName           = 200 // a region's, mailbox's, kind's or rule's
	MaxAlarmKey       = 200
	MaxCanaryMark     = 500
	MaxPasswordHash   = 1000
	MaxTOTPSecret     = 200
	MaxHoldStage      = 20
	MaxLeases         = 100 // of one claim
	MaxSealedToken    = 64 << 10
	MaxRoles          = 20 // of one agent
	MaxAgentRegions   = 1000
	MaxMentions       = 50 // of one note

	// MaxAttached is of the files in one mail, which get a third larger on the way (RFC 2045
	// section 6.8): few mail servers take more than 20 MB.
	MaxAttached = 10 << 20
)

// What is kept of texts that come from outside, in bytes; the rest is cut off.
const (
	MaxFrom       = 320 // the longest address: RFC 5321 section 4.5.3.1
	MaxSubject    = 200
	MaxEvidence   = 200
	MaxFault      = 1000
	MaxReply      = 1000
	MaxTryReply   = 500 // of each of the tries that are kept
	MaxAlarmWords = 1000
	MaxMessageID  = 998 // a line: RFC 5322 section 2.1.1
	MaxDomain     = 255 // RFC 1035 section 2.3.4
	MaxAuthResult = 20  // "pass", "temperror"
)

// MaxFaultsTold is how many faults of one canary's run are kept.
const MaxFaultsTold = 20
