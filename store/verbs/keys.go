package verbs

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"strings"
	"time"

	"signpost/store"
	"signpost/store/engine"
)

// The file's layout. Numbers are big-endian; an instant is a big-endian uint64
// of microseconds since the Unix epoch with its top bit flipped, so that keys
// sort as times do. A value called a record is one version byte and then CBOR
// (records.go); the others are as written here. "-" is an empty value.
//
//	bucket        key                                  value
//	meta          "schema"                             version u32
//	              "responder"                          responder record: of all answers
//	              "responder/" mailbox                 responder record: of its mail's
//	              "counted"                            counted record
//	              "answers"                            answers record
//	              "raws"                               inbound(8): the last that DropRaws looked at
//	              "audithead"                          audit head record
//	              "auditstub"                          audit stub record
//	              "deadlines"                          the key of the last deadline dropped
//	counts        kind(1) name                         count u64
//	tickets       ticket(8)                            ticket record
//	              ticket(8) 'e' seq(4)                 entry record
//	              ticket(8) 'm' outbound(8)            -      its mails
//	numbers       prefix, upper case, 0, counter(8)    ticket(8)
//	requesters    address digest(16) ticket(8)         -
//	links         link(16)                             ticket(8) expires(8) revoked(1), and of a colleague's colleague(4)
//	deadlines     due(8) ticket(8) kind(1)             -
//	outbounds     outbound(8)                          outbound record
//	outbox        'w' queued(8) outbound(8)            -      queued, claimed and held rows
//	              'q' domain(8) due(8) outbound(8)     -      waiting rows without a running lease
//	              'h' due(8) outbound(8)               domain(8)  the first 'q' row of each domain
//	              'l' due(8) outbound(8)               domain(8)  claimed rows
//	              'n' domain(8)                        rows of it under 'l', u32
//	throttled     outbound(8)                          throttled record
//	turns         turn(8) outbound(8)                  -      rows of throttled
//	networkturns  network digest(16) turn(8) outbound(8)   -  rows of throttled
//	budgetwaits   budget digest(16) outbound(8)        -      rows of throttled, by what they wait for
//	outmessages   Message-ID, lower case, cut to 40, 0, outbound(8)   -
//	mailboxes     name                                 mailbox record
//	inbounds      inbound(8)                           inbound record
//	inhours       hour(4)                              inbound(8) inbound(8)  the lowest and the highest seen in it
//	raws          inbound(8)                           text (codec.go)
//	inuids        mailbox(4) validity(4) uid(4)        inbound(8)
//	inhashes      mailbox(4) SHA-256 cut to 16, inbound(8)   -
//	inmessages    Message-ID digest(16) inbound(8)     -
//	inpending     mailbox(4) inbound(8)                -      rows in StateStored
//	blobs         SHA-256(32)                          references u64
//	posts         digest(16)                           ticket(8) seq(4) at(8) fingerprint(32)
//	reservations  sender digest(16)                    until(8)
//	budgets       ends(8) digest(16)                   start(8) before(4) current(4) window(8)
//	expiry        at(8) kind(1) key(16)                -
//	agents        agent(8)                             agent record
//	agentnames    address digest(16)                   agent(8)
//	sessions      session(16)                          agent(8) generation(4) opened(8) until(8) ends(8)
//	agentsessions agent(8) session(16)                 session record: what is shown of it
//	challenges    challenge(16)                        until(8)  those answered
//	handbacks     agent(8)                             hand-back record: of tickets still to go back
//	outrecipients address digest(16) outbound(8)       -      mails not to their ticket's requester
//	suppressions  digest(16) of key and scope          suppression record
//	suporder      suppression(8)                       digest(16)
//	refusals      digest(16) of host and text          refusal record
//	refuseen      last(8) digest(16)                   -
//	inmarks       mark, 0, inbound(8)                  -
//	inaddresses   address digest(16) inbound(8)        -
//	outfailed     outbound(8)                          -      rows in StateFailed
//	outheld       outbound(8)                          -      rows in StateHeld
//	hours         "r" region, 0, hour(4)               tally (hours.go)
//	              "m" mailbox, 0, hour(4)              tally
//	              "s" mailbox, 0, hour(4) mark, 0, rule   tally
//	domainhours   hour(4) domain                       tally; without a domain, of those not named
//	              hour(4) 0                            domains named, u32
//	alarms        alarm(8)                             alarm record
//	alarmkeys     digest(16) of its key                alarm(8)  those that stand
//	canaries      run(8)                               canary record
//	desk          calm(1) due(8) ticket(8)             desk row (deskrows.go): tickets to be solved
//	desksolved    changed(8) ticket(8)                 desk row: those solved
//	undos         outbound(8)                          undo record: of replies that may be taken back
//	reads         ticket(8) agent(8)                   seq u32
//	drafts        ticket(8) agent(8) kind(1)           draft record
//	audits        audit(8)                             audit record
//	auditindex    'a' person(8) audit(8)               -      by who did it
//	              'o' object digest(16) audit(8)       -
//	              'c' kind(1) hour(4) account digest(16) digest(16)   audit(8)  where what failed or
//	                                                   was refused in the hour counts
//	auditpeople   'p' person(8)                        person record
//	              'n' name digest(16)                  person(8)
//	changes       first change(8)                      the changes of a commit (changes.go)
//	duties        name                                 duty record
//	tokens        name                                 token record
//
// A domain is the first 8 bytes of its SHA-256. The sequence of tickets,
// outbounds and inbounds is the last id given out, that of outbox the last
// claim, that of mailboxes the last mailbox number. The counts are
// "n" + prefix: the last ticket number; "t" + region, "o" + state, "i" + state,
// "k" + kind, "r" + rule, "f" + fate, "h" + the budget of throttled rows, and "w", the bytes of raw mails: what Stats
// returns. The sequence of
// suporder is the last suppression, that of auditpeople the last person. An hour is counted from the Unix epoch.
//
// What each row of outbox says follows from the outbound rows; queue.go explains why
// they are of five kinds. They share a bucket because a short outbox is then one page,
// which a post, a claim and its end rewrite, and a ticket's rows do because what
// belongs together is read and written together.
type bucket = engine.Bucket

const (
	bMeta bucket = iota
	bCounts
	bTickets
	bNumbers
	bRequesters
	bLinks
	bDeadlines
	bOutbounds
	bOutbox
	bOutMessages
	bMailboxes
	bInbounds
	bInHours
	bRaws
	bInUIDs
	bInHashes
	bInMessages
	bInPending
	bBlobs
	bPosts
	bReservations
	bBudgets
	bExpiry
	bAgents
	bAgentNames
	bSessions
	bOutRecipients
	bSuppressions
	bSupOrder
	bRefusals
	bRefuSeen
	bInMarks
	bInAddresses
	bOutFailed
	bHours
	bDomainHours
	bAlarms
	bAlarmKeys
	bCanaries
	bThrottled
	bTurns
	bNetworkTurns
	bBudgetWaits
	bOutHeld
	bDesk
	bDeskSolved
	bUndos
	bReads
	bDrafts
	bAudits
	bAuditIndex
	bAuditPeople
	bChanges
	bDuties
	bTokens
	bAgentSessions
	bChallenges
	bHandBacks
	bucketCount
)

// layouts are the buckets' names, and whether their keys come in ascending order: one
// table, as long as there are buckets.
func layouts() []engine.Layout {
	return []engine.Layout{
		bMeta:          {Name: "meta"},
		bCounts:        {Name: "counts"},
		bTickets:       {Name: "tickets", Appends: true, Long: true},
		bNumbers:       {Name: "numbers", Appends: true},
		bRequesters:    {Name: "requesters"},
		bLinks:         {Name: "links", Appends: true},
		bDeadlines:     {Name: "deadlines", Appends: true},
		bOutbounds:     {Name: "outbounds", Appends: true},
		bOutbox:        {Name: "outbox"},
		bOutMessages:   {Name: "outmessages", Appends: true},
		bMailboxes:     {Name: "mailboxes"},
		bInbounds:      {Name: "inbounds", Appends: true},
		bInHours:       {Name: "inhours", Appends: true},
		bRaws:          {Name: "raws", Appends: true, Long: true},
		bInUIDs:        {Name: "inuids", Appends: true},
		bInHashes:      {Name: "inhashes"},
		bInMessages:    {Name: "inmessages"},
		bInPending:     {Name: "inpending", Appends: true},
		bBlobs:         {Name: "blobs"},
		bPosts:         {Name: "posts"},
		bReservations:  {Name: "reservations"},
		bBudgets:       {Name: "budgets"},
		bExpiry:        {Name: "expiry", Appends: true},
		bAgents:        {Name: "agents", Appends: true},
		bAgentNames:    {Name: "agentnames"},
		bSessions:      {Name: "sessions"},
		bOutRecipients: {Name: "outrecipients"},
		bSuppressions:  {Name: "suppressions"},
		bSupOrder:      {Name: "suporder", Appends: true},
		bRefusals:      {Name: "refusals"},
		bRefuSeen:      {Name: "refuseen", Appends: true},
		bInMarks:       {Name: "inmarks"},
		bInAddresses:   {Name: "inaddresses"},
		bOutFailed:     {Name: "outfailed"},
		bOutHeld:       {Name: "outheld"},
		bAudits:        {Name: "audits", Appends: true},
		bAuditIndex:    {Name: "auditindex"},
		bAuditPeople:   {Name: "auditpeople"},
		bHours:         {Name: "hours"},
		bDomainHours:   {Name: "domainhours"},
		bAlarms:        {Name: "alarms", Appends: true},
		bAlarmKeys:     {Name: "alarmkeys"},
		bCanaries:      {Name: "canaries", Appends: true},
		bThrottled:     {Name: "throttled", Appends: true},
		bTurns:         {Name: "turns"},
		bNetworkTurns:  {Name: "networkturns"},
		bBudgetWaits:   {Name: "budgetwaits"},
		bDesk:          {Name: "desk"},
		bDeskSolved:    {Name: "desksolved", Appends: true},
		bUndos:         {Name: "undos", Appends: true},
		bReads:         {Name: "reads"},
		bDrafts:        {Name: "drafts", Long: true},
		bChanges:       {Name: "changes", Appends: true},
		bDuties:        {Name: "duties"},
		bTokens:        {Name: "tokens"},
		bAgentSessions: {Name: "agentsessions"},
		bChallenges:    {Name: "challenges"},
		bHandBacks:     {Name: "handbacks"},
	}
}

// Kinds of expiry rows: which bucket the key belongs to.
const (
	expiryLink        = 'l'
	expiryPost        = 'p'
	expiryReservation = 'r'
	expiryBudget      = 'b'
	expirySession     = 's'
	expirySuppression = 'u'
	expiryRefusal     = 'f'
	expiryAlarm       = 'a'
	expiryCanary      = 'c'
	expiryChallenge   = 'h'
)

// Kinds of counts.
const (
	countNumber    = 'n'
	countTicket    = 't'
	countOutbound  = 'o'
	countInbound   = 'i'
	countKind      = 'k'
	countRule      = 'r'
	countFate      = 'f'
	countRaw       = 'w'
	countThrottled = 'h'
)

// Kinds of rows below a ticket.
const (
	ofTicketEntry = 'e'
	ofTicketMail  = 'm'
)

// Kinds of rows in outbox.
const (
	outWaiting = 'w'
	outQueue   = 'q'
	outHead    = 'h'
	outLease   = 'l'
	outLeased  = 'n'
)

// Kinds of rows in auditindex.
const (
	auditAccount = 'a'
	auditObject  = 'o'
	auditCounted = 'c'
)

// Kinds of rows in auditpeople.
const (
	auditPerson     = 'p'
	auditPersonName = 'n'
)

const messagePrefix = 40

type (
	digest [16]byte
	domain [8]byte
)

func digestOf(parts ...string) digest {
	h := sha256.New()
	for _, p := range parts {
		h.Write([]byte(p))
		h.Write([]byte{0})
	}
	return digest(h.Sum(nil)[:16])
}

func domainOf(address string) domain {
	sum := sha256.Sum256([]byte(store.Domain(address)))
	return domain(sum[:8])
}

func u32(v uint32) []byte { return binary.BigEndian.AppendUint32(nil, v) }
func u64(v uint64) []byte { return binary.BigEndian.AppendUint64(nil, v) }

func readU32(b []byte) uint32 {
	if len(b) < 4 {
		return 0
	}
	return binary.BigEndian.Uint32(b)
}

func readU64(b []byte) uint64 {
	if len(b) < 8 {
		return 0
	}
	return binary.BigEndian.Uint64(b)
}

func appendInstant(key []byte, t time.Time) []byte {
	return binary.BigEndian.AppendUint64(key, uint64(t.UnixMicro())^1<<63)
}

func readInstant(b []byte) time.Time {
	return time.UnixMicro(int64(readU64(b) ^ 1<<63)).UTC()
}

// instantID is the key of the indexes that sort by an instant and then by id.
func instantID(at time.Time, id uint64) []byte {
	return binary.BigEndian.AppendUint64(appendInstant(make([]byte, 0, 16), at), id)
}

func pair64(a, b uint64) []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(make([]byte, 0, 16), a), b)
}

// underTicket is what the keys of a ticket's rows of a kind begin with.
func underTicket(id store.TicketID, kind byte) []byte {
	return append(binary.BigEndian.AppendUint64(make([]byte, 0, 17), uint64(id)), kind)
}

func entryKey(id store.TicketID, seq uint32) []byte {
	return binary.BigEndian.AppendUint32(underTicket(id, ofTicketEntry), seq)
}

// entrySeq is the number of the entry under a key.
func entrySeq(key []byte) uint32 { return readU32(key[len(key)-4:]) }

func ticketMailKey(id store.TicketID, mail store.OutboundID) []byte {
	return binary.BigEndian.AppendUint64(underTicket(id, ofTicketMail), uint64(mail))
}

func numberPrefix(prefix string) []byte { return append([]byte(strings.ToUpper(prefix)), 0) }

func numberKey(prefix string, counter uint64) []byte {
	return binary.BigEndian.AppendUint64(numberPrefix(prefix), counter)
}

func digestID(d digest, id uint64) []byte {
	return binary.BigEndian.AppendUint64(d[:len(d):len(d)], id)
}

func deadlineKey(due time.Time, id store.TicketID, kind byte) []byte {
	return append(instantID(due, uint64(id)), kind)
}

// queuePrefix is what the keys of a domain's queue begin with.
func queuePrefix(d domain) []byte { return append(append(make([]byte, 0, 25), outQueue), d[:]...) }

func queueKey(d domain, due time.Time, id store.OutboundID) []byte {
	return binary.BigEndian.AppendUint64(appendInstant(queuePrefix(d), due), uint64(id))
}

// outboxKey is the key of a row of outbox that sorts by an instant and then by id.
func outboxKey(kind byte, at time.Time, id store.OutboundID) []byte {
	key := append(make([]byte, 0, 17), kind)
	return binary.BigEndian.AppendUint64(appendInstant(key, at), uint64(id))
}

func waitingKey(row store.Outbound) []byte { return outboxKey(outWaiting, row.QueuedAt, row.ID) }

func leaseKey(row store.Outbound) []byte { return outboxKey(outLease, row.DueAt, row.ID) }

func leasedKey(d domain) []byte { return append([]byte{outLeased}, d[:]...) }

func messageKeyPrefix(messageID string) []byte {
	id := strings.ToLower(messageID)
	return append([]byte(id[:min(len(id), messagePrefix)]), 0)
}

func uidKey(mailbox, validity, uid uint32) []byte {
	key := binary.BigEndian.AppendUint32(make([]byte, 0, 12), mailbox)
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(key, validity), uid)
}

func hashPrefix(mailbox uint32, hash [32]byte) []byte {
	return append(binary.BigEndian.AppendUint32(make([]byte, 0, 28), mailbox), hash[:16]...)
}

func pendingKey(mailbox uint32, id store.InboundID) []byte {
	return binary.BigEndian.AppendUint64(u32(mailbox), uint64(id))
}

func expiryKey(at time.Time, kind byte, key digest) []byte {
	return append(append(appendInstant(make([]byte, 0, 25), at), kind), key[:]...)
}

// blobKey is the hash in bytes; false for what is no lower-case hex SHA-256.
func blobKey(hash store.BlobHash) ([]byte, bool) {
	key, err := hex.DecodeString(string(hash))
	return key, err == nil && len(key) == sha256.Size && hex.EncodeToString(key) == string(hash)
}

func blobHash(key []byte) store.BlobHash { return store.BlobHash(hex.EncodeToString(key)) }

// messageDigest names a Message-ID of somebody else's, compared without case.
func messageDigest(id string) digest { return digestOf(strings.ToLower(id)) }
