package main

import (
	"encoding/base64"
	"net/netip"
	"os"
	"sort"
	"strings"
	"time"

	"signpost/store"
)

// Config is the whole configuration, as the file spells it. Each table belongs
// to one package; wire.go hands it over. Secrets never stand in the file: they
// come from the environment or from files of their own.
type Config struct {
	Service   ServiceConfig            `koanf:"service"`
	Region    map[string]RegionConfig  `koanf:"region"`
	Mailbox   map[string]MailboxConfig `koanf:"mailbox"`
	SMTP      SMTPConfig               `koanf:"smtp"`
	OAuth     map[string]OAuthConfig   `koanf:"oauth"`
	DKIM      map[string]DKIMConfig    `koanf:"dkim"`
	Form      FormConfig               `koanf:"form"`
	Responder ResponderConfig          `koanf:"responder"`
	Ledger    LedgerConfig             `koanf:"ledger"`
	Alarm     AlarmConfig              `koanf:"alarm"`
	Canary    CanaryConfig             `koanf:"canary"`

	regionOrder []string // ids as the file lists them
}

// ServiceConfig is what the process as a whole needs.
type ServiceConfig struct {
	BaseURL        string         `koanf:"base_url"`
	Hosts          []string       `koanf:"hosts"`
	Product        string         `koanf:"product"`
	Listen         string         `koanf:"listen"`
	Metrics        string         `koanf:"metrics"`
	Data           string         `koanf:"data"`
	TrustedProxies []netip.Prefix `koanf:"trusted_proxies"`
	DNS            string         `koanf:"dns"`
	Log            string         `koanf:"log"`
	DiskBudget     Bytes          `koanf:"disk_budget"`
	SecretFile     string         `koanf:"secret_file"`
	Secret         string         `koanf:"secret" secret:"true"`
}

// RegionConfig is one region; see store.Region.
type RegionConfig struct {
	Prefix        string        `koanf:"prefix"`
	Address       string        `koanf:"address"`
	Name          string        `koanf:"name"`
	Countries     []string      `koanf:"countries"`
	Languages     []string      `koanf:"languages"`
	Zone          string        `koanf:"zone"`
	Hours         string        `koanf:"hours"`
	Holidays      []string      `koanf:"holidays"`
	FirstResponse time.Duration `koanf:"first_response"`
	Resolution    time.Duration `koanf:"resolution"`
	Mailbox       string        `koanf:"mailbox"`
	BounceAddress string        `koanf:"bounce_address"`
	Signature     string        `koanf:"signature"`
}

// MailboxConfig is one mailbox that a watcher reads.
type MailboxConfig struct {
	Address               string         `koanf:"address"`
	TLS                   string         `koanf:"tls"`
	Username              string         `koanf:"username"`
	Auth                  string         `koanf:"auth"`
	OAuth                 string         `koanf:"oauth"`
	Password              string         `koanf:"password" secret:"true"`
	PasswordFile          string         `koanf:"password_file"`
	Folder                string         `koanf:"folder"`
	TrustedAuthserv       []string       `koanf:"trusted_authserv"`
	TrustedRelays         []netip.Prefix `koanf:"trusted_relays"`
	AnswerUnauthenticated bool           `koanf:"answer_unauthenticated"`
	Aliases               []string       `koanf:"aliases"`
	MoveTo                string         `koanf:"move_to"`
	Silent                bool           `koanf:"silent"`
	Bounces               bool           `koanf:"bounces"`

	Folders FoldersConfig `koanf:"folders"`
}

// FoldersConfig are where decided mail is moved to; see watch.Folders.
type FoldersConfig struct {
	Answered  string `koanf:"answered"`
	Bounces   string `koanf:"bounces"`
	Automatic string `koanf:"automatic"`
	Unclear   string `koanf:"unclear"`
}

// SMTPConfig is the relay that takes our mail.
type SMTPConfig struct {
	Address      string `koanf:"address"`
	TLS          string `koanf:"tls"`
	Hello        string `koanf:"hello"`
	Username     string `koanf:"username"`
	Auth         string `koanf:"auth"`
	OAuth        string `koanf:"oauth"`
	Password     string `koanf:"password" secret:"true"`
	PasswordFile string `koanf:"password_file"`
	Sessions     int    `koanf:"sessions"`
	PerDomain    int    `koanf:"per_domain"`
	NullSender   bool   `koanf:"null_sender"`
}

// OAuthConfig is one account at a provider of access tokens; see oauth.Config.
type OAuthConfig struct {
	TokenURL         string `koanf:"token_url"`
	ClientID         string `koanf:"client_id"`
	ClientSecret     string `koanf:"client_secret" secret:"true"`
	ClientSecretFile string `koanf:"client_secret_file"`
	SecretExpires    string `koanf:"secret_expires"`
	RefreshToken     string `koanf:"refresh_token" secret:"true"`
	RefreshTokenFile string `koanf:"refresh_token_file"`
	Scope            string `koanf:"scope"`
}

// secretEnds is the day on which the client secret ends, as the operator noted
// it; false without one.
func (c OAuthConfig) secretEnds() (time.Time, bool) {
	day, err := time.Parse(time.DateOnly, c.SecretExpires)
	return day, err == nil
}

// DKIMConfig is one signing key.
type DKIMConfig struct {
	Domain   string `koanf:"domain"`
	Selector string `koanf:"selector"`
	KeyFile  string `koanf:"key_file"`
}

// FormConfig bounds what the form takes and how often.
type FormConfig struct {
	Categories      []string      `koanf:"categories"`
	MaxFiles        int           `koanf:"max_files"`
	MaxFile         Bytes         `koanf:"max_file"`
	MaxTotal        Bytes         `koanf:"max_total"`
	UploadFloor     Bytes         `koanf:"upload_floor"`
	UploadsAtOnce   int           `koanf:"uploads_at_once"`
	UploadsPerDay   Bytes         `koanf:"uploads_per_day"`
	Types           []string      `koanf:"types"`
	MinChars        int           `koanf:"min_description"`
	MaxChars        int           `koanf:"max_description"`
	MinFill         time.Duration `koanf:"min_fill"`
	ProofOfWork     int           `koanf:"proof_of_work"`
	PerNetwork      int           `koanf:"posts_per_network"`
	PerAddress      int           `koanf:"posts_per_address"`
	LinkDays        int           `koanf:"link_days"`
	ConfirmAddr     int           `koanf:"confirmations_per_address"`
	ConfirmAddrDay  int           `koanf:"confirmations_per_address_day"`
	ConfirmDom      int           `koanf:"confirmations_per_domain"`
	ConfirmDomDay   int           `koanf:"confirmations_per_domain_day"`
	ConfirmNet      int           `koanf:"confirmations_per_network"`
	ConfirmNetDay   int           `koanf:"confirmations_per_network_day"`
	ConfirmTotal    int           `koanf:"confirmations_in_all"`
	ConfirmTotalDay int           `koanf:"confirmations_in_all_day"`

	publicHosts []string // the demo's, beside responder.freemail
}

// ResponderConfig bounds the automatic answers.
type ResponderConfig struct {
	PeriodDays int      `koanf:"period_days"`
	DomainHour int      `koanf:"per_domain_hour"`
	DomainDay  int      `koanf:"per_domain_day"`
	Network    int      `koanf:"per_network_hour"`
	Breaker    int      `koanf:"breaker"`
	Returned   int      `koanf:"returned_percent"`
	Freemail   []string `koanf:"freemail"`
}

// LedgerConfig bounds how much of the mail that came is kept as it came.
type LedgerConfig struct {
	RawDays  int   `koanf:"raw_days"`
	RawTotal Bytes `koanf:"raw_total"`
}

// AlarmConfig is how ops hear of trouble, beside log and metrics.
type AlarmConfig struct {
	Webhook         string        `koanf:"webhook"`
	Mail            []string      `koanf:"mail"`
	Repeat          time.Duration `koanf:"repeat"`
	AnswersFloor    int           `koanf:"answers_floor"`
	Refusals        int           `koanf:"refusals"`
	Throttled       int           `koanf:"throttled"`
	DiskFloor       Bytes         `koanf:"disk_floor"`
	DiskFillsWithin time.Duration `koanf:"disk_fills_within"`
}

// CanaryConfig is how the service tries itself; see canary.Config.
type CanaryConfig struct {
	On      bool          `koanf:"on"`
	Address string        `koanf:"address"`
	Mailbox string        `koanf:"mailbox"`
	Every   time.Duration `koanf:"every"`
	Limit   time.Duration `koanf:"limit"`

	poll, settle, rest time.Duration // see canary.Config; the demo's are shorter
}

// defaultConfig is what a key left out means.
func defaultConfig() Config {
	return Config{
		Service: ServiceConfig{
			Listen:     "127.0.0.1:8080",
			Data:       "/var/lib/signpost",
			Product:    "Partner Support",
			Log:        "info",
			SecretFile: "",
		},
		SMTP: SMTPConfig{TLS: "tls", Auth: "plain", Sessions: 4, PerDomain: 2, NullSender: true},
		Form: FormConfig{
			MaxFiles: 10, MaxFile: 20 << 20, MaxTotal: 50 << 20, UploadFloor: 512 << 20, UploadsAtOnce: 200,
			UploadsPerDay: 20 << 30, MinChars: 20, MaxChars: 20_000,
			MinFill: 3 * time.Second, LinkDays: 365,
			PerNetwork: 30, PerAddress: 20,
			ConfirmAddr: 10, ConfirmAddrDay: 20, ConfirmDom: 30, ConfirmDomDay: 100,
			ConfirmNet: 60, ConfirmNetDay: 240, ConfirmTotal: 2000, ConfirmTotalDay: 20_000,
		},
		Responder: ResponderConfig{PeriodDays: 7, DomainHour: 3, DomainDay: 20, Network: 20, Breaker: 30, Returned: 20},
		Ledger:    LedgerConfig{RawDays: 400, RawTotal: 4 << 30},
		Alarm: AlarmConfig{Repeat: time.Hour, AnswersFloor: 10, Refusals: 3, Throttled: 50, DiskFloor: 2 << 30,
			DiskFillsWithin: 12 * time.Hour},
		Canary: CanaryConfig{Every: 30 * time.Minute, Limit: 10 * time.Minute},
	}
}

func (r RegionConfig) withDefaults() RegionConfig {
	if len(r.Languages) == 0 {
		r.Languages = []string{"en"}
	}
	if r.Hours == "" {
		r.Hours = "Mon-Fri 09:00-17:00"
	}
	if r.FirstResponse == 0 {
		r.FirstResponse = 24 * time.Hour
	}
	if r.Resolution == 0 {
		r.Resolution = 48 * time.Hour
	}
	return r
}

func (m MailboxConfig) withDefaults() MailboxConfig {
	if m.TLS == "" {
		m.TLS = "tls"
	}
	if m.Auth == "" {
		m.Auth = "password"
	}
	if m.Folder == "" {
		m.Folder = "INBOX"
	}
	return m
}

// Regions are the configured regions in the order of the file.
func (c Config) Regions() []store.Region {
	ids := c.regionOrder
	if len(ids) != len(c.Region) {
		ids = sortedKeys(c.Region)
	}
	regions := make([]store.Region, 0, len(ids))
	for _, id := range ids {
		r := c.Region[id]
		regions = append(regions, store.Region{
			ID: id, Prefix: r.Prefix, Address: r.Address, Name: r.Name,
			Countries: r.Countries, Languages: r.Languages, Zone: r.Zone,
			Hours: r.Hours, Holidays: r.Holidays,
			FirstResponse: r.FirstResponse, Resolution: r.Resolution,
			Mailbox: r.Mailbox, Signature: r.Signature,
		})
	}
	return regions
}

// Secrets are the installation's secrets, newest first: service.secret, or the
// lines of service.secret_file, each base64 or plain text.
func (c ServiceConfig) Secrets() ([][]byte, error) {
	text := c.Secret
	if text == "" {
		raw, err := os.ReadFile(c.SecretFile)
		if err != nil {
			return nil, err
		}
		text = string(raw)
	}
	var secrets [][]byte
	for line := range strings.FieldsSeq(text) {
		if raw, err := base64.StdEncoding.DecodeString(line); err == nil && len(raw) >= 32 {
			secrets = append(secrets, raw)
			continue
		}
		secrets = append(secrets, []byte(line))
	}
	return secrets, nil
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}
