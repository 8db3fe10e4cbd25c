package verbs

import "signpost/store"

// The records of keys.go. Field numbers are for ever: one that is no longer
// used is not given to another field.

type ticketRecord struct {
	Number     string `cbor:"1,keyasint"`
	Region     string `cbor:"2,keyasint"`
	Channel    string `cbor:"3,keyasint"`
	Status     string `cbor:"4,keyasint"`
	Name       string `cbor:"5,keyasint,omitempty"`
	Email      string `cbor:"6,keyasint"`
	Company    string `cbor:"7,keyasint,omitempty"`
	Country    string `cbor:"8,keyasint,omitempty"`
	Lang       string `cbor:"9,keyasint,omitempty"`
	Proven     int64  `cbor:"10,keyasint,omitempty"`
	Category   string `cbor:"11,keyasint,omitempty"`
	Title      string `cbor:"12,keyasint,omitempty"`
	Opened     int64  `cbor:"13,keyasint"`
	Changed    int64  `cbor:"14,keyasint"`
	First      int64  `cbor:"15,keyasint,omitempty"`
	Resolution int64  `cbor:"16,keyasint,omitempty"`
	Link       []byte `cbor:"17,keyasint"`
	Entries    uint32 `cbor:"18,keyasint"`
	Question   string `cbor:"19,keyasint,omitempty"`

	Version     uint32 `cbor:"20,keyasint,omitempty"`
	FirstReply  uint64 `cbor:"21,keyasint,omitempty"`
	Answered    int64  `cbor:"22,keyasint,omitempty"`
	LastPublic  string `cbor:"23,keyasint,omitempty"`
	PublicAt    int64  `cbor:"24,keyasint,omitempty"`
	LastPartner int64  `cbor:"25,keyasint,omitempty"`
	LastAgent   int64  `cbor:"26,keyasint,omitempty"`
	Stopped     int64  `cbor:"27,keyasint,omitempty"`
	Solved      int64  `cbor:"28,keyasint,omitempty"`
	Replies     uint32 `cbor:"29,keyasint,omitempty"`

	Assignee uint64   `cbor:"30,keyasint,omitempty"`
	Priority string   `cbor:"31,keyasint,omitempty"`
	Tags     []string `cbor:"32,keyasint,omitempty"`
	SeenAt   int64    `cbor:"33,keyasint,omitempty"`
	Trouble  string   `cbor:"34,keyasint,omitempty"`

	Rating     *ratingRecord `cbor:"35,keyasint,omitempty"` // nil without one
	Follows    uint64        `cbor:"36,keyasint,omitempty"`
	FollowedBy uint64        `cbor:"37,keyasint,omitempty"`
	Wrote      int64         `cbor:"38,keyasint,omitempty"`
	Update     int64         `cbor:"39,keyasint,omitempty"` // Promise.NextUpdateBy

	Colleagues []colleagueRecord `cbor:"41,keyasint,omitempty"`
}

type ratingRecord struct {
	Score   int    `cbor:"1,keyasint"`
	Comment string `cbor:"2,keyasint,omitempty"`
	First   int64  `cbor:"3,keyasint"`
}

func newRatingRecord(r store.Rating) *ratingRecord {
	if r.Score == 0 {
		return nil
	}
	return &ratingRecord{r.Score, r.Comment, micros(r.FirstAt)}
}

func (r *ratingRecord) rating() store.Rating {
	if r == nil {
		return store.Rating{}
	}
	return store.Rating{Score: r.Score, Comment: r.Comment, FirstAt: instant(r.First)}
}

func newTicketRecord(k store.Ticket) *ticketRecord {
	c := k.Requester
	return &ticketRecord{
		Number: k.Number, Region: k.Region, Channel: string(k.Channel), Status: string(k.Status),
		Name: c.Name, Email: c.Email, Company: c.Company, Country: c.Country, Lang: c.Lang,
		Proven: micros(k.ProvenAt), Category: k.Category, Title: k.Title,
		Opened: micros(k.OpenedAt), Changed: micros(k.ChangedAt),
		First: micros(k.Promise.FirstResponseBy), Resolution: micros(k.Promise.ResolutionBy),
		Link: k.Link[:], Entries: k.Entries, Question: string(k.Question),
		Version: k.Version, FirstReply: uint64(k.FirstReply), Answered: micros(k.FirstReplyAt),
		LastPublic: string(k.LastPublic), PublicAt: micros(k.LastPublicAt), LastPartner: micros(k.LastPartnerAt),
		LastAgent: micros(k.LastAgentAt), Stopped: micros(k.StoppedAt), Solved: micros(k.SolvedAt),
		Replies: k.Replies, Assignee: uint64(k.Assignee), Priority: keptPriority(k.Priority), Tags: k.Tags,
		SeenAt: micros(k.SeenAt), Trouble: string(k.Trouble), Rating: newRatingRecord(k.Rating),
		Follows: uint64(k.Follows), FollowedBy: uint64(k.FollowedBy), Wrote: micros(k.WroteAt),
		Colleagues: newColleagueRecords(k.Colleagues),
		Update:     micros(k.Promise.NextUpdateBy),
	}
}

// promise is what three fields of a record hold.
func promise(first, resolution, update int64) store.Promise {
	return store.Promise{
		FirstResponseBy: instant(first), ResolutionBy: instant(resolution), NextUpdateBy: instant(update),
	}
}

func (t *txn) ticket(id store.TicketID) (store.Ticket, error) {
	var r ticketRecord
	if err := t.record(bTickets, u64(uint64(id)), &r); err != nil {
		return store.Ticket{}, err
	}
	k := store.Ticket{
		ID: id, Number: r.Number, Region: r.Region, Channel: store.Channel(r.Channel), Status: store.Status(r.Status),
		Requester: store.Contact{Name: r.Name, Email: r.Email, Company: r.Company, Country: r.Country, Lang: r.Lang},
		ProvenAt:  instant(r.Proven), Category: r.Category, Title: r.Title,
		OpenedAt: instant(r.Opened), ChangedAt: instant(r.Changed), Promise: promise(r.First, r.Resolution, r.Update),
		Entries: r.Entries, Question: store.Question(r.Question),
		Version: r.Version, FirstReply: store.OutboundID(r.FirstReply), FirstReplyAt: instant(r.Answered),
		LastPublic: store.EntryKind(r.LastPublic), LastPublicAt: instant(r.PublicAt),
		LastPartnerAt: instant(r.LastPartner), LastAgentAt: instant(r.LastAgent),
		StoppedAt: instant(r.Stopped), SolvedAt: instant(r.Solved), Replies: r.Replies,
		Assignee: store.AgentID(r.Assignee), Priority: readPriority(r.Priority), Tags: r.Tags, SeenAt: instant(r.SeenAt),
		Trouble: store.Event(r.Trouble), Rating: r.Rating.rating(),
		Follows: store.TicketID(r.Follows), FollowedBy: store.TicketID(r.FollowedBy), WroteAt: instant(r.Wrote),
	}
	copy(k.Link[:], r.Link)
	for _, c := range r.Colleagues {
		k.Colleagues = append(k.Colleagues, c.colleague())
	}
	return k, nil
}

type entryRecord struct {
	Kind     string       `cbor:"1,keyasint"`
	Event    string       `cbor:"2,keyasint,omitempty"`
	Outbound uint64       `cbor:"3,keyasint,omitempty"`
	Author   string       `cbor:"4,keyasint,omitempty"`
	At       int64        `cbor:"5,keyasint"`
	Body     []byte       `cbor:"6,keyasint"` // a text (codec.go)
	Files    []fileRecord `cbor:"7,keyasint,omitempty"`

	By       string          `cbor:"8,keyasint,omitempty"` // "" in rows from before it was kept
	Agent    uint64          `cbor:"9,keyasint,omitempty"`
	Change   *changeRecord   `cbor:"10,keyasint,omitempty"` // nil where nothing changed
	Mentions []store.AgentID `cbor:"11,keyasint,omitempty"`
	Undo     int64           `cbor:"12,keyasint,omitempty"`

	Colleague uint32 `cbor:"14,keyasint,omitempty"`
}

type fileRecord struct {
	Name string `cbor:"1,keyasint"`
	Size int64  `cbor:"2,keyasint"`
	Type string `cbor:"3,keyasint"`
	Hash []byte `cbor:"4,keyasint"`
}

// entryBytes encodes an entry; its ticket and number are in its key.
func (c *codec) entryBytes(e store.Entry) ([]byte, error) {
	body, err := c.words(e.Body)
	if err != nil {
		return nil, err
	}
	r := entryRecord{
		Kind: string(e.Kind), Event: string(e.Event), Outbound: uint64(e.Outbound),
		Author: e.Author, At: micros(e.At), Body: body,
		By: string(e.By), Agent: uint64(e.Agent), Change: newChangeRecord(e.Change), Mentions: e.Mentions,
		Undo: micros(e.UndoUntil), Colleague: e.Colleague,
	}
	for _, f := range e.Files {
		hash, _ := blobKey(f.Hash)
		r.Files = append(r.Files, fileRecord{f.Name, f.Size, f.Type, hash})
	}
	return c.record(&r)
}

func (c *codec) entry(id store.TicketID, seq uint32, data []byte) (store.Entry, error) {
	var r entryRecord
	if err := c.read(data, &r); err != nil {
		return store.Entry{}, err
	}
	body, err := c.unpack(r.Body)
	e := store.Entry{
		Ticket: id, Seq: seq, Kind: store.EntryKind(r.Kind), Event: store.Event(r.Event),
		Outbound: store.OutboundID(r.Outbound), Author: r.Author, At: instant(r.At), Body: string(body),
		By: store.ActorKind(r.By), Agent: store.AgentID(r.Agent), Change: r.Change.change(), Mentions: r.Mentions,
		UndoUntil: instant(r.Undo), Colleague: r.Colleague,
	}
	for _, f := range r.Files {
		e.Files = append(e.Files, store.File{Name: f.Name, Size: f.Size, Type: f.Type, Hash: blobHash(f.Hash)})
	}
	return e, err
}

type outboundRecord struct {
	Kind       string   `cbor:"1,keyasint"`
	Region     string   `cbor:"2,keyasint"`
	From       string   `cbor:"3,keyasint"`
	FromName   string   `cbor:"4,keyasint,omitempty"`
	To         string   `cbor:"5,keyasint"`
	Langs      []string `cbor:"6,keyasint,omitempty"`
	MessageID  string   `cbor:"7,keyasint"`
	InReplyTo  string   `cbor:"8,keyasint,omitempty"`
	References []string `cbor:"9,keyasint,omitempty"`
	Ticket     uint64   `cbor:"10,keyasint,omitempty"`
	Number     string   `cbor:"11,keyasint,omitempty"`
	First      int64    `cbor:"12,keyasint,omitempty"`
	Resolution int64    `cbor:"13,keyasint,omitempty"`
	Link       []byte   `cbor:"14,keyasint,omitempty"` // nil for the zero link
	Inbound    uint64   `cbor:"15,keyasint,omitempty"`
	Queued     int64    `cbor:"16,keyasint"`
	State      string   `cbor:"17,keyasint"`
	Reason     string   `cbor:"18,keyasint,omitempty"`
	Attempts   int      `cbor:"19,keyasint,omitempty"`
	Due        int64    `cbor:"20,keyasint,omitempty"`
	Claim      uint64   `cbor:"21,keyasint,omitempty"`
	Done       int64    `cbor:"22,keyasint,omitempty"`
	Reply      string   `cbor:"23,keyasint,omitempty"`
	Code       int      `cbor:"24,keyasint,omitempty"`
	Enhanced   string   `cbor:"25,keyasint,omitempty"`

	Delivery *deliveryRecord `cbor:"26,keyasint,omitempty"` // nil while nobody reported
	Echoes   []store.Event   `cbor:"27,keyasint,omitempty"`

	Parties []string `cbor:"28,keyasint,omitempty"`
	Subject string   `cbor:"31,keyasint,omitempty"`
	Text    []byte   `cbor:"32,keyasint,omitempty"` // a text (codec.go)
	Mark    string   `cbor:"33,keyasint,omitempty"`

	HeldSince int64  `cbor:"34,keyasint,omitempty"`
	HeldLast  int64  `cbor:"35,keyasint,omitempty"`
	HeldAt    string `cbor:"36,keyasint,omitempty"`

	Links []linkRecord `cbor:"41,keyasint,omitempty"`
	Entry uint32       `cbor:"42,keyasint,omitempty"`
	Undo  int64        `cbor:"43,keyasint,omitempty"`
	Proof bool         `cbor:"44,keyasint,omitempty"`
	Owner string       `cbor:"45,keyasint,omitempty"`
	Agent uint64       `cbor:"46,keyasint,omitempty"`

	Colleague uint32 `cbor:"47,keyasint,omitempty"`

	Tries []tryRecord `cbor:"48,keyasint,omitempty"`

	Update int64 `cbor:"49,keyasint,omitempty"` // Promise.NextUpdateBy

	Attached bool `cbor:"50,keyasint,omitempty"`
}

type linkRecord struct {
	Number string `cbor:"1,keyasint"`
	Link   []byte `cbor:"2,keyasint"`
}

type deliveryRecord struct {
	Fate       string `cbor:"1,keyasint"`
	At         int64  `cbor:"2,keyasint"`
	Status     string `cbor:"3,keyasint,omitempty"`
	Reason     string `cbor:"4,keyasint,omitempty"`
	Outcome    string `cbor:"5,keyasint,omitempty"`
	Diagnostic string `cbor:"6,keyasint,omitempty"`
	Inbound    uint64 `cbor:"7,keyasint,omitempty"`
}

func newDeliveryRecord(d store.Delivery) *deliveryRecord {
	if d.Fate == "" {
		return nil
	}
	return &deliveryRecord{string(d.Fate), micros(d.At), d.Status, d.Reason,
		string(d.Outcome), d.Diagnostic, uint64(d.Inbound)}
}

func (r *deliveryRecord) delivery() store.Delivery {
	if r == nil {
		return store.Delivery{}
	}
	return store.Delivery{
		Fate: store.Fate(r.Fate), At: instant(r.At), Status: r.Status, Reason: r.Reason, Outcome: store.Outcome(r.Outcome),
		Diagnostic: r.Diagnostic, Inbound: store.InboundID(r.Inbound),
	}
}

func (t *txn) putOutbound(o store.Outbound) error {
	t.changed(letterOutbound, uint64(o.ID))
	r := outboundRecord{
		Kind: string(o.Kind), Region: o.Region, From: o.From, FromName: o.FromName, To: o.To, Langs: o.Langs,
		MessageID: o.MessageID, InReplyTo: o.InReplyTo, References: o.References,
		Ticket: uint64(o.Ticket), Number: o.Number,
		First: micros(o.Promise.FirstResponseBy), Resolution: micros(o.Promise.ResolutionBy),
		Inbound: uint64(o.Inbound), Queued: micros(o.QueuedAt), State: string(o.State), Reason: o.Reason,
		Attempts: o.Attempts, Due: micros(o.DueAt), Claim: o.Claim, Done: micros(o.DoneAt),
		Reply: o.Reply, Code: o.Code, Enhanced: o.Enhanced, Delivery: newDeliveryRecord(o.Delivery), Echoes: o.Echoes,
		Parties: o.Parties, Subject: o.Subject, Mark: o.Mark, Owner: o.Owner, Agent: uint64(o.Agent),
		HeldSince: micros(o.Hold.Since), HeldLast: micros(o.Hold.Last), HeldAt: o.Hold.Stage,
		Entry: o.Entry, Undo: micros(o.UndoUntil), Proof: o.Proven, Tries: newTryRecords(o.Tries),
		Colleague: o.Colleague,
		Update:    micros(o.Promise.NextUpdateBy),
		Attached:  o.Attached,
	}
	if o.Text != "" {
		body, err := t.codec.words(o.Text)
		if err != nil {
			return err
		}
		r.Text = body
	}
	if o.Link != (store.LinkID{}) {
		r.Link = o.Link[:]
	}
	for _, l := range o.Links {
		r.Links = append(r.Links, linkRecord{l.Number, l.Link[:]})
	}
	return t.putRecord(bOutbounds, u64(uint64(o.ID)), &r)
}

func (t *txn) outbound(id store.OutboundID) (store.Outbound, error) {
	var r outboundRecord
	if err := t.record(bOutbounds, u64(uint64(id)), &r); err != nil {
		return store.Outbound{}, err
	}
	o := store.Outbound{
		ID: id, Kind: store.OutboundKind(r.Kind), Region: r.Region, From: r.From, FromName: r.FromName, To: r.To,
		Langs: r.Langs, MessageID: r.MessageID, InReplyTo: r.InReplyTo, References: r.References,
		Ticket: store.TicketID(r.Ticket), Number: r.Number,
		Promise: promise(r.First, r.Resolution, r.Update),
		Inbound: store.InboundID(r.Inbound), QueuedAt: instant(r.Queued), State: store.OutboundState(r.State),
		Reason: r.Reason, Attempts: r.Attempts, DueAt: instant(r.Due), Claim: r.Claim, DoneAt: instant(r.Done),
		Reply: r.Reply, Code: r.Code, Enhanced: r.Enhanced, Delivery: r.Delivery.delivery(), Echoes: r.Echoes,
		Parties: r.Parties, Subject: r.Subject, Mark: r.Mark, Owner: r.Owner, Agent: store.AgentID(r.Agent),
		Hold:  store.Hold{Since: instant(r.HeldSince), Last: instant(r.HeldLast), Stage: r.HeldAt},
		Entry: r.Entry, UndoUntil: instant(r.Undo), Proven: r.Proof, Tries: tries(r.Tries),
		Colleague: r.Colleague, Attached: r.Attached,
	}
	copy(o.Link[:], r.Link)
	for _, l := range r.Links {
		o.Links = append(o.Links, store.TicketLink{Number: l.Number})
		copy(o.Links[len(o.Links)-1].Link[:], l.Link)
	}
	if r.Text == nil {
		return o, nil
	}
	text, err := t.codec.unpack(r.Text)
	o.Text = string(text)
	return o, err
}

type mailboxRecord struct {
	Number      uint32 `cbor:"1,keyasint"`
	UIDValidity uint32 `cbor:"2,keyasint"`
	UID         uint32 `cbor:"3,keyasint"`
	Connected   int64  `cbor:"4,keyasint"`
}

func (r mailboxRecord) state(name string) store.MailboxState {
	return store.MailboxState{Mailbox: name, UIDValidity: r.UIDValidity, UID: r.UID, ConnectedAt: instant(r.Connected)}
}

type inboundRecord struct {
	Mailbox     string         `cbor:"1,keyasint"`
	UIDValidity uint32         `cbor:"2,keyasint"`
	UID         uint32         `cbor:"3,keyasint"`
	Internal    int64          `cbor:"4,keyasint,omitempty"`
	Seen        int64          `cbor:"5,keyasint"`
	Size        int64          `cbor:"6,keyasint"`
	Hash        []byte         `cbor:"7,keyasint"`
	MessageID   string         `cbor:"8,keyasint,omitempty"`
	From        string         `cbor:"9,keyasint,omitempty"`
	Subject     string         `cbor:"10,keyasint,omitempty"`
	Blob        []byte         `cbor:"11,keyasint,omitempty"`
	Truncated   bool           `cbor:"12,keyasint,omitempty"`
	State       string         `cbor:"13,keyasint"`
	Attempts    int            `cbor:"14,keyasint,omitempty"`
	Fault       string         `cbor:"15,keyasint,omitempty"`
	Decided     int64          `cbor:"16,keyasint,omitempty"`
	Kind        string         `cbor:"17,keyasint,omitempty"`
	Answers     bool           `cbor:"18,keyasint,omitempty"`
	Rules       []ruleRecord   `cbor:"19,keyasint,omitempty"`
	Reports     []reportRecord `cbor:"20,keyasint,omitempty"`
	Answer      uint64         `cbor:"21,keyasint,omitempty"`
	RawDropped  bool           `cbor:"22,keyasint,omitempty"`
	About       uint64         `cbor:"23,keyasint,omitempty"`
}

type ruleRecord struct {
	ID       string `cbor:"1,keyasint"`
	Effect   string `cbor:"2,keyasint"`
	Evidence string `cbor:"3,keyasint,omitempty"`
}

type reportRecord struct {
	Recipient         string `cbor:"1,keyasint,omitempty"`
	Action            string `cbor:"2,keyasint,omitempty"`
	Status            string `cbor:"3,keyasint,omitempty"`
	Reason            string `cbor:"4,keyasint,omitempty"`
	Hard              bool   `cbor:"5,keyasint,omitempty"`
	Outcome           string `cbor:"6,keyasint,omitempty"`
	Diagnostic        string `cbor:"7,keyasint,omitempty"`
	OriginalMessageID string `cbor:"8,keyasint,omitempty"`
	OriginalRecipient string `cbor:"9,keyasint,omitempty"`
	Outbound          uint64 `cbor:"10,keyasint,omitempty"`
	Tie               string `cbor:"11,keyasint,omitempty"`
	Host              string `cbor:"12,keyasint,omitempty"`
}

func newReportRecord(v store.Report) reportRecord {
	return reportRecord{
		v.Recipient, string(v.Action), v.Status, v.Reason, v.Hard, string(v.Outcome), v.Diagnostic, v.OriginalMessageID,
		v.OriginalRecipient, uint64(v.Outbound), string(v.Tie), v.Host,
	}
}

func (r reportRecord) report() store.Report {
	return store.Report{
		Recipient: r.Recipient, Action: store.Action(r.Action), Status: r.Status, Reason: r.Reason, Hard: r.Hard,
		Outcome:    store.Outcome(r.Outcome),
		Diagnostic: r.Diagnostic, OriginalMessageID: r.OriginalMessageID, OriginalRecipient: r.OriginalRecipient,
		Outbound: store.OutboundID(r.Outbound), Tie: store.Tie(r.Tie), Host: r.Host,
	}
}

func (t *txn) putInbound(m store.Inbound) error {
	t.changed(letterInbound, uint64(m.ID))
	blob, _ := blobKey(m.Blob)
	r := inboundRecord{
		Mailbox: m.Mailbox, UIDValidity: m.UIDValidity, UID: m.UID, Internal: micros(m.InternalDate),
		Seen: micros(m.SeenAt), Size: m.Size, Hash: m.Hash[:], MessageID: m.MessageID, From: m.From,
		Subject: m.Subject, Blob: blob, Truncated: m.Truncated, State: string(m.State), Attempts: m.Attempts,
		Fault: m.Fault, Decided: micros(m.DecidedAt), Kind: string(m.Verdict.Kind), Answers: m.Verdict.Answer,
		Answer: uint64(m.Answer), RawDropped: m.RawDropped, About: uint64(m.Verdict.About),
	}
	for _, v := range m.Verdict.Rules {
		r.Rules = append(r.Rules, ruleRecord{v.ID, string(v.Effect), v.Evidence})
	}
	for _, v := range m.Verdict.Reports {
		r.Reports = append(r.Reports, newReportRecord(v))
	}
	return t.putRecord(bInbounds, u64(uint64(m.ID)), &r)
}

func (t *txn) inbound(id store.InboundID) (store.Inbound, error) {
	var r inboundRecord
	if err := t.record(bInbounds, u64(uint64(id)), &r); err != nil {
		return store.Inbound{}, err
	}
	m := store.Inbound{
		ID: id, Mailbox: r.Mailbox, UIDValidity: r.UIDValidity, UID: r.UID, InternalDate: instant(r.Internal),
		SeenAt: instant(r.Seen), Size: r.Size, MessageID: r.MessageID, From: r.From, Subject: r.Subject,
		Blob: blobHash(r.Blob), Truncated: r.Truncated, RawDropped: r.RawDropped, Attempts: r.Attempts,
		Fault: r.Fault, State: store.InboundState(r.State), DecidedAt: instant(r.Decided), Answer: store.OutboundID(r.Answer),
		Verdict: store.Verdict{Kind: store.Kind(r.Kind), Answer: r.Answers, About: store.OutboundID(r.About)},
	}
	copy(m.Hash[:], r.Hash)
	for _, v := range r.Rules {
		m.Verdict.Rules = append(m.Verdict.Rules, store.Rule{ID: v.ID, Effect: store.Effect(v.Effect), Evidence: v.Evidence})
	}
	for _, v := range r.Reports {
		m.Verdict.Reports = append(m.Verdict.Reports, v.report())
	}
	return m, nil
}

type responderRecord struct {
	Off     bool   `cbor:"1,keyasint,omitempty"`
	Tripped bool   `cbor:"2,keyasint,omitempty"`
	Since   int64  `cbor:"3,keyasint,omitempty"`
	Reason  string `cbor:"4,keyasint,omitempty"`
	Breaker []byte `cbor:"5,keyasint,omitempty"` // the budget that tripped
	By      string `cbor:"6,keyasint,omitempty"`
	Inbound uint64 `cbor:"7,keyasint,omitempty"`
	// Armed is when the breaker closes by itself or, if it has not tripped, when it
	// last closed; 0 in rows from before it did so. Trips: how often in a row.
	Armed  int64  `cbor:"8,keyasint,omitempty"`
	Trips  uint32 `cbor:"9,keyasint,omitempty"`
	Window int64  `cbor:"10,keyasint,omitempty"` // of Breaker, in nanoseconds
}

// answersRecord are the last automatic answers that went out, and which of them
// came back.
type answersRecord struct {
	Out  []uint64 `cbor:"1,keyasint,omitempty"` // the newest last
	Back []uint64 `cbor:"2,keyasint,omitempty"` // among them
}
