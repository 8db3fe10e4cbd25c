package config

import (
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"time"

	"signpost/store"
	"signpost/store/ident"
)

// Config is the whole configuration, as the file spells it. Each table belongs
// to one room; parts.go hands it over. Secrets never stand in the file: they
// come from the environment or from files of their own.
type Config struct {
	Service   Service            `toml:"service"`
	Brand     Brand              `toml:"brand"`
	Region    map[string]Region  `toml:"region"`
	Mailbox   map[string]Mailbox `toml:"mailbox"`
	SMTP      SMTP               `toml:"smtp"`
	OAuth     map[string]OAuth   `toml:"oauth"`
	DKIM      map[string]DKIM    `toml:"dkim"`
	Form      Form               `toml:"form"`
	Responder Responder          `toml:"responder"`
	Ledger    Ledger             `toml:"ledger"`
	Audit     Audit              `toml:"audit"`
	Staff     Staff              `toml:"staff"`
	Alarm     Alarm              `toml:"alarm"`
	Canary    Canary             `toml:"canary"`

	regionOrder []string // ids as the file lists them
	undo        *time.Duration
}

// SetUndo lets every reply wait so long for undo, whatever its author's profile says; nil
// leaves it to that. It comes from the environment alone: checks do not wait.
func (c *Config) SetUndo(wait *time.Duration) { c.undo = wait }

// Undo is what SetUndo set.
func (c Config) Undo() *time.Duration { return c.undo }

// Service is what the process as a whole needs.
type Service struct {
	BaseURL        string         `toml:"base_url"`
	Hosts          []string       `toml:"hosts"`
	Product        string         `toml:"product"`
	Listen         string         `toml:"listen"`
	Metrics        string         `toml:"metrics"`
	Data           string         `toml:"data"`
	TrustedProxies []netip.Prefix `toml:"trusted_proxies"`
	DNS            string         `toml:"dns"`
	Log            string         `toml:"log"`
	DiskBudget     Bytes          `toml:"disk_budget"`
	SecretFile     string         `toml:"secret_file"`
	Secret         string         `toml:"secret" secret:"true"`
}

// Region is one region; see store.Region.
type Region struct {
	Prefix        string        `toml:"prefix"`
	Address       string        `toml:"address"`
	Name          string        `toml:"name"`
	Countries     []string      `toml:"countries"`
	Languages     []string      `toml:"languages"`
	Zone          string        `toml:"zone"`
	Hours         string        `toml:"hours"`
	Holidays      []string      `toml:"holidays"`
	FirstResponse time.Duration `toml:"first_response"`
	Resolution    time.Duration `toml:"resolution"`
	Mailbox       string        `toml:"mailbox"`
	BounceAddress string        `toml:"bounce_address"`
	Signature     string        `toml:"signature"`
	AttachFiles   Bytes         `toml:"attach_files"`
}

// Mailbox is one mailbox that a watcher reads.
type Mailbox struct {
	Address               string         `toml:"address"`
	TLS                   string         `toml:"tls"`
	Username              string         `toml:"username"`
	Auth                  string         `toml:"auth"`
	OAuth                 string         `toml:"oauth"`
	Password              string         `toml:"password" secret:"true"`
	PasswordFile          string         `toml:"password_file"`
	Folder                string         `toml:"folder"`
	TrustedAuthserv       []string       `toml:"trusted_authserv"`
	TrustedRelays         []netip.Prefix `toml:"trusted_relays"`
	AnswerUnauthenticated bool           `toml:"answer_unauthenticated"`
	Aliases               []string       `toml:"aliases"`
	MoveTo                string         `toml:"move_to"`
	Silent                bool           `toml:"silent"`
	Bounces               bool           `toml:"bounces"`

	Folders Folders `toml:"folders"`
}

// Folders are where decided mail is moved to; see watch.Folders.
type Folders struct {
	Answered  string `toml:"answered"`
	Bounces   string `toml:"bounces"`
	Automatic string `toml:"automatic"`
	Unclear   string `toml:"unclear"`
}

// SMTP is the relay that takes our mail.
type SMTP struct {
	Address      string `toml:"address"`
	TLS          string `toml:"tls"`
	Hello        string `toml:"hello"`
	Username     string `toml:"username"`
	Auth         string `toml:"auth"`
	OAuth        string `toml:"oauth"`
	Password     string `toml:"password" secret:"true"`
	PasswordFile string `toml:"password_file"`
	Sessions     int    `toml:"sessions"`
	PerDomain    int    `toml:"per_domain"`
	NullSender   bool   `toml:"null_sender"`
}

// OAuth is one account at a provider of access tokens; see oauth.Config.
type OAuth struct {
	TokenURL         string `toml:"token_url"`
	ClientID         string `toml:"client_id"`
	ClientSecret     string `toml:"client_secret" secret:"true"`
	ClientSecretFile string `toml:"client_secret_file"`
	SecretExpires    string `toml:"secret_expires"`
	RefreshToken     string `toml:"refresh_token" secret:"true"`
	RefreshTokenFile string `toml:"refresh_token_file"`
	Scope            string `toml:"scope"`
}

// DKIM is one signing key.
type DKIM struct {
	Domain   string `toml:"domain"`
	Selector string `toml:"selector"`
	KeyFile  string `toml:"key_file"`
}

// Form bounds what the form takes and how often.
type Form struct {
	Categories      []string      `toml:"categories"`
	MaxFiles        int           `toml:"max_files"`
	MaxFile         Bytes         `toml:"max_file"`
	MaxTotal        Bytes         `toml:"max_total"`
	UploadFloor     Bytes         `toml:"upload_floor"`
	UploadsAtOnce   int           `toml:"uploads_at_once"`
	UploadsPerDay   Bytes         `toml:"uploads_per_day"`
	Types           []string      `toml:"types"`
	MinChars        int           `toml:"min_description"`
	MaxChars        int           `toml:"max_description"`
	MinFill         time.Duration `toml:"min_fill"`
	ProofOfWork     int           `toml:"proof_of_work"`
	PerNetwork      int           `toml:"posts_per_network"`
	PerAddress      int           `toml:"posts_per_address"`
	LinkDays        int           `toml:"link_days"`
	ConfirmAddr     int           `toml:"confirmations_per_address"`
	ConfirmAddrDay  int           `toml:"confirmations_per_address_day"`
	ConfirmDom      int           `toml:"confirmations_per_domain"`
	ConfirmDomDay   int           `toml:"confirmations_per_domain_day"`
	ConfirmNet      int           `toml:"confirmations_per_network"`
	ConfirmNetDay   int           `toml:"confirmations_per_network_day"`
	ConfirmTotal    int           `toml:"confirmations_in_all"`
	ConfirmTotalDay int           `toml:"confirmations_in_all_day"`

	publicHosts []string // the demo's, beside responder.freemail
}

// Responder bounds the automatic answers.
type Responder struct {
	PeriodDays int      `toml:"period_days"`
	DomainHour int      `toml:"per_domain_hour"`
	DomainDay  int      `toml:"per_domain_day"`
	Network    int      `toml:"per_network_hour"`
	Breaker    int      `toml:"breaker"`
	Returned   int      `toml:"returned_percent"`
	Freemail   []string `toml:"freemail"`
}

// Ledger bounds how much of the mail that came is kept as it came.
type Ledger struct {
	RawDays  int   `toml:"raw_days"`
	RawTotal Bytes `toml:"raw_total"`
}

// Audit bounds how long the log of what staff did is kept.
type Audit struct {
	Days int `toml:"days"`
}

// Alarm is how ops hear of trouble, beside log and metrics.
type Alarm struct {
	Webhook         string        `toml:"webhook"`
	Mail            []string      `toml:"mail"`
	Repeat          time.Duration `toml:"repeat"`
	AnswersFloor    int           `toml:"answers_floor"`
	Refusals        int           `toml:"refusals"`
	Throttled       int           `toml:"throttled"`
	DiskFloor       Bytes         `toml:"disk_floor"`
	DiskFillsWithin time.Duration `toml:"disk_fills_within"`
}

// Staff is how those who work here sign in.
type Staff struct {
	RequireFactor []store.Role `toml:"require_factor"`
}

// Canary is how the service tries itself; see canary.Config.
type Canary struct {
	On      bool          `toml:"on"`
	Address string        `toml:"address"`
	Mailbox string        `toml:"mailbox"`
	Every   time.Duration `toml:"every"`
	Limit   time.Duration `toml:"limit"`

	poll, settle, rest time.Duration // see canary.Config; zero: its own. The demo's are shorter
}

// Regions are the configured regions in the order of the file.
func (c Config) Regions() []store.Region {
	ids := c.regionOrder
	if len(ids) != len(c.Region) {
		ids = sorted(c.Region)
	}
	regions := make([]store.Region, 0, len(ids))
	for _, id := range ids {
		r := c.Region[id]
		regions = append(regions, store.Region{
			ID: id, Prefix: r.Prefix, Address: r.Address, Name: r.Name,
			Countries: r.Countries, Languages: r.Languages, Zone: r.Zone,
			Hours: r.Hours, Holidays: r.Holidays,
			FirstResponse: r.FirstResponse, Resolution: r.Resolution,
			Mailbox: r.Mailbox, Signature: r.Signature, AttachFiles: int64(r.AttachFiles),
		})
	}
	return regions
}

// The data folder's files. A backup has them under the same names.
const (
	DatabaseFile = "signpost.db"
	BlobFolder   = "blobs"
)

// Database is the path of the data file.
func (c Service) Database() string { return filepath.Join(c.Data, DatabaseFile) }

// Blobs is the path of the folder that holds attachments.
func (c Service) Blobs() string { return filepath.Join(c.Data, BlobFolder) }

// Stored tells a data folder that was served from one that is new.
func (c Service) Stored() bool {
	_, err := os.Stat(c.Database())
	return err == nil
}

// Ring mints and verifies with the installation's secrets.
func (c Service) Ring() (*ident.Ring, error) {
	secrets, err := c.Secrets()
	if err != nil {
		return nil, err
	}
	return ident.New(secrets...)
}

// Instance names the installation in its own mails: by its oldest secret, also when a new
// one is put in front of it, or it is dropped.
func (c Service) Instance() (string, error) {
	f, err := c.secretFile()
	if err != nil || len(f.Lines) == 0 || f.Instance != "" {
		return f.Instance, err
	}
	secrets := f.Secrets()
	return ident.Fingerprint(secrets[len(secrets)-1]), nil
}

// Secrets are the installation's secrets, newest first: service.secret, or those of
// service.secret_file.
func (c Service) Secrets() ([][]byte, error) {
	f, err := c.secretFile()
	return f.Secrets(), err
}

func (c Service) secretFile() (SecretFile, error) {
	if c.Secret != "" {
		return ParseSecretFile(c.Secret), nil
	}
	raw, err := os.ReadFile(c.SecretFile)
	return ParseSecretFile(string(raw)), err
}

// sorted are the ids of tables, so that what is said of them has an order.
func sorted[V any](tables map[string]V) []string { return slices.Sorted(maps.Keys(tables)) }
