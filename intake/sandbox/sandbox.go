package sandbox

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"net/http"
	"time"

	"signpost/intake/web"
	"signpost/store"
)

//go:embed templates/*.html
var templates embed.FS

//go:embed static/*
var static embed.FS

// Mailbox is one address the host knows.
type Mailbox struct {
	Address   string
	Mails     int
	LastAt    time.Time // zero before the first mail
	Behaviour string
}

// Mail is one mail in one mailbox.
type Mail struct {
	ID           uint64
	Mailbox      string
	Folder       string
	EnvelopeFrom string // "" for the null sender
	To           string // as it was addressed, tag included
	ReceivedAt   time.Time
	Size         int64
	From         string // author and subject, decoded
	Subject      string
	Raw          []byte // nil in lists
	// Header is its fields in order, decoded; nil in lists.
	Header []Field
	// AnswerTo is the first address of Reply-To, else of From; "" without one, and in lists.
	AnswerTo string
}

// Field is one field of a mail's header, its value decoded for display.
type Field struct{ Name, Value string }

// Machine is an address or a domain that does not behave as a plain mailbox.
type Machine struct {
	Key       string
	Behaviour string
	BuiltIn   bool
	Sent      int // in its current hour
	Limit     int
}

// Host is the mail host as the pages see it.
type Host interface {
	Mailboxes() []Mailbox // newest mail first
	// Mails lists newest first, of one address or of all with "", those with an
	// id below before (0: from the newest).
	Mails(address string, before uint64, limit int) []Mail
	Mail(id uint64) (Mail, error) // with Raw; store.ErrNotFound
	// Deliver hands a mail in as a sending host would; its error is for display.
	Deliver(from string, to []string, raw []byte) error
	// Watch returns a channel that holds a signal after any change, until ctx
	// ends.
	Watch(ctx context.Context) <-chan struct{}
}

// Machines are the behaviours the host plays.
type Machines interface {
	Machines() []Machine
	// SetBehaviour switches an address or domain; "" switches it back.
	// store.ErrInvalid, store.ErrFull.
	SetBehaviour(key, behaviour string) error
}

// Ledger is where the watcher's verdicts stand.
type Ledger interface {
	InboundByMessageID(ctx context.Context, messageID string, p store.Page) (store.List[store.Inbound], error)
	ListInbound(ctx context.Context, p store.Page) (store.List[store.Inbound], error)
}

// Deps is what the pages are plugged into.
type Deps struct {
	Host     Host
	Machines Machines
	Ledger   Ledger
	// Support are the addresses whose mail the watcher judges.
	Support []string
	// How a mail program reaches the host; shown as they are.
	SMTP, IMAP, Password string
}

// Sandbox serves the pages. It is safe for concurrent use.
type Sandbox struct {
	deps Deps

	client   *web.Page[clientData]
	write    *web.Page[writeData]
	machines *web.Page[machinesData]

	components *web.Page[componentsData]
	panes      *web.Page[componentsData]
}

// New checks what the pages are plugged into.
func New(deps Deps) (*Sandbox, error) {
	if deps.Host == nil || deps.Machines == nil || deps.Ledger == nil {
		return nil, errors.New("sandbox: a dependency is missing")
	}
	return &Sandbox{deps: deps}, nil
}

// maxPost bounds a written mail, in bytes.
const maxPost = 1 << 20

// Mount adds the pages to the server.
func (b *Sandbox) Mount(s *web.Server) error {
	set := s.Pages(templates).English()
	b.client = web.Declare[clientData](set, "client.html")
	b.write = web.Declare[writeData](set, "write.html")
	b.machines = web.Declare[machinesData](set, "machines.html")
	b.components = web.DeclareStaff[componentsData](set, "components.html")
	b.panes = web.DeclareStaff[componentsData](set, "components-panes.html")
	if err := set.Ready(); err != nil {
		return fmt.Errorf("sandbox: %w", err)
	}
	if err := s.Static("sandbox", static); err != nil {
		return fmt.Errorf("sandbox: %w", err)
	}
	post := web.Pace{Max: maxPost, MinRate: 512, Grace: 15 * time.Second, Total: time.Minute}
	for _, r := range []web.Route{
		{Method: http.MethodGet, Path: "/sandbox", Handler: b.showClient},
		{Method: http.MethodGet, Path: "/sandbox/mail/:id/raw", Handler: b.showRaw},
		{Method: http.MethodGet, Path: "/sandbox/mail/:id/html", Handler: b.showHTML},
		{Method: http.MethodGet, Path: "/sandbox/mail/:id/part/:part", Handler: b.downloadPart},
		{Method: http.MethodGet, Path: "/sandbox/write", Handler: b.showWrite},
		{Method: http.MethodPost, Path: "/sandbox/write", Handler: b.postWrite, Body: post},
		{Method: http.MethodGet, Path: "/sandbox/machines", Handler: b.showMachines},
		{Method: http.MethodPost, Path: "/sandbox/machines", Handler: b.postMachines},
		{Method: http.MethodGet, Path: "/sandbox/events", Handler: b.events},
		{Method: http.MethodGet, Path: "/desk/components", Handler: b.showComponents},
	} {
		s.Handle(r)
	}
	return nil
}
