package config

import (
	"cmp"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/language"

	"signpost/sla"
	"signpost/store"
	"signpost/store/addr"
	"signpost/store/ident"
)

// maxSupportLocal leaves room for the envelope tag within RFC 5321 section
// 4.5.3.1.1.
const maxSupportLocal = 28

// maxAlarmMails bounds to how many addresses an alarm is mailed.
const maxAlarmMails = 10

var (
	regionID     = regexp.MustCompile(`^[a-z][a-z0-9-]{0,31}$`)
	numberPrefix = regexp.MustCompile(`^[A-Z][A-Z0-9]{0,7}$`)
	countryCode  = regexp.MustCompile(`^[A-Z]{2}$`)
)

// validate checks what each value means; what the live world makes of it is
// for signpost check.
func (c *collector) validate(cfg *Config) {
	c.service(cfg.Service)
	c.regions(cfg)
	for _, id := range sorted(cfg.Mailbox) {
		c.mailbox("mailbox."+id, cfg.Mailbox[id], cfg.OAuth)
	}
	c.smtp(cfg.SMTP, cfg.OAuth)
	for _, id := range sorted(cfg.OAuth) {
		c.oauth("oauth."+id, cfg.OAuth[id])
	}
	for _, id := range sorted(cfg.DKIM) {
		c.dkim("dkim."+id, cfg.DKIM[id])
	}
	c.form(cfg)
	c.responder(cfg.Responder)
	c.ledger(cfg.Ledger)
	c.between("audit.days", cfg.Audit.Days, 90, 36500)
	c.brand(&cfg.Brand)
	c.alarm(cfg)
	c.canary(cfg)
	c.staff(cfg.Staff)
}

func (c *collector) service(s Service) {
	if u, ok := webAddress(s.BaseURL); !ok || u.Path != "" || u.RawQuery != "" || u.Fragment != "" {
		c.add("service.base_url", "not the address of a site", "Write where partners reach Signpost, without a path or "+
			"a slash at the end: base_url = \"https://help.example.com\"")
	}
	if strings.TrimSpace(s.Product) == "" || strings.ContainsAny(s.Product, "\r\n") {
		c.add("service.product", "no name on one line", "It stands on pages and in mails: product = \"Example Partner "+
			"Support\"")
	}
	for _, host := range s.Hosts {
		if host == "" || strings.Trim(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._") != "" {
			c.add("service.hosts", strconv.Quote(host)+" is no name of a host",
				"Write names alone, without a port: hosts = [\"signpost.internal\"]")
		}
	}
	c.hostPort("service.listen", s.Listen)
	if s.Metrics != "" {
		c.hostPort("service.metrics", s.Metrics)
	}
	if s.DNS != "" {
		c.hostPort("service.dns", s.DNS)
	}
	if s.Data == "" {
		c.add("service.data", "no data folder", "Name a folder on a local disk: data = \"/var/lib/signpost\"")
	}
	if !slices.Contains([]string{"debug", "info", "warn", "error"}, s.Log) {
		c.add("service.log", "unknown level "+strconv.Quote(s.Log), "Use debug, info, warn or error.")
	}
	c.secret(s)
}

// webAddress reads the address of something that is reached by HTTP; false for any other.
func webAddress(text string) (*url.URL, bool) {
	u, err := url.Parse(text)
	return u, err == nil && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http")
}

func (c *collector) secret(s Service) {
	if s.Secret == "" && s.SecretFile == "" {
		c.lacking(LacksSecret, "service.secret_file", "no installation secret",
			"Every link and Message-ID is signed with it. Make one with: head -c 32 /dev/urandom | base64 > secret; then "+
				"name the file here, or set SIGNPOST_SECRET.")
		return
	}
	secrets, err := s.Secrets()
	if err != nil {
		c.lacking(LacksSecret, "service.secret_file", err.Error(), "")
		return
	}
	if len(secrets) == 0 {
		c.add("service.secret_file", "the secret is empty", "")
	}
	for _, secret := range secrets {
		if len(secret) < 32 {
			c.add("service.secret_file", "the secret is shorter than 32 bytes",
				"Make one with: head -c 32 /dev/urandom | base64")
		}
	}
}

func (c *collector) hostPort(key, value string) {
	host, port, err := net.SplitHostPort(value)
	if err != nil || port == "" {
		c.add(key, strconv.Quote(value)+" is no address", "Write host:port, such as 127.0.0.1:8080.")
		return
	}
	if strings.ContainsAny(host, " /") {
		c.add(key, strconv.Quote(host)+" is no host name", "")
	}
}

func (c *collector) regions(cfg *Config) {
	if len(cfg.Region) == 0 {
		c.add("region", "no region", "At least one [region.ID] table says whom you support, from which address.")
	}
	var catchAll string
	countries, prefixes, addresses := map[string]string{}, map[string]string{}, map[string]string{}
	for _, id := range sorted(cfg.Region) {
		key, r := "region."+id, cfg.Region[id]
		c.region(key, id, r)
		if _, ok := cfg.Mailbox[r.Mailbox]; r.Mailbox != "" && !ok {
			c.add(key+".mailbox", "there is no [mailbox."+r.Mailbox+"]",
				"Name the mailbox in which mail to "+r.Address+" arrives: one of "+strings.Join(sorted(cfg.Mailbox), ", "))
		}
		if cfg.Mailbox[r.Mailbox].Bounces {
			c.add(key+".mailbox", "mailbox "+r.Mailbox+" is for bounces",
				"No mail is answered from it: name the mailbox in which mail to "+r.Address+" arrives.")
		}
		if len(r.Countries) == 0 {
			if catchAll != "" {
				c.add(key, "names no countries, and neither does region."+catchAll,
					"Only one region may serve all countries that no other names.")
			}
			catchAll = id
		}
		for _, country := range r.Countries {
			c.once(countries, country, id, key+".countries", "country "+country)
		}
		c.once(prefixes, r.Prefix, id, key+".prefix", "prefix "+r.Prefix)
		c.once(addresses, strings.ToLower(r.Address), id, key+".address", "address "+r.Address)
	}
	if catchAll == "" && len(cfg.Region) > 0 {
		c.add("region", "no region serves the countries that none names",
			"Leave countries out of one region, so that every partner has one.")
	}
}

func (c *collector) once(seen map[string]string, value, id, key, what string) {
	if other, ok := seen[value]; ok && value != "" {
		c.add(key, what+" belongs to region."+other+" already", "")
	}
	seen[value] = id
}

func (c *collector) region(key, id string, r Region) {
	if !regionID.MatchString(id) {
		c.add(key, strconv.Quote(id)+" is no region id", "Use lower-case letters, digits and dashes.")
	}
	if id == store.OwnRegion {
		c.add(key, "that id is taken by the service itself", "Call the region something else.")
	}
	if !numberPrefix.MatchString(r.Prefix) || r.Prefix == CanaryPrefix {
		c.add(key+".prefix", strconv.Quote(r.Prefix)+" is no prefix",
			"Ticket numbers look like US-1042: up to 8 capital letters and digits.")
	}
	c.address(key+".address", r.Address)
	bounces := "address"
	if r.BounceAddress != "" {
		bounces = "bounce_address"
		c.address(key+".bounce_address", r.BounceAddress)
	}
	if local, _, _ := strings.Cut(cmp.Or(r.BounceAddress, r.Address), "@"); len(local) > maxSupportLocal {
		c.add(key+"."+bounces, "the part before the @ is too long", fmt.Sprintf("Bounces come back to it with a tag of "+
			"36 characters (RFC 5321 allows 64 in all): use at most %d.", maxSupportLocal))
	}
	if strings.TrimSpace(r.Name) == "" || strings.ContainsAny(r.Name, "\r\n") {
		c.add(key+".name", "no display name", "Partners see it as the sender: name = \"Example Partner Support\"")
	}
	for _, country := range r.Countries {
		if !countryCode.MatchString(country) {
			c.add(key+".countries", strconv.Quote(country)+" is no country code",
				"Use ISO 3166 codes of two capital letters, such as US.")
		}
	}
	for _, tag := range r.Languages {
		if _, err := language.Parse(tag); err != nil {
			c.add(key+".languages", strconv.Quote(tag)+" is no language tag", "Use BCP 47 tags, such as en, es or zh-Hans.")
		}
	}
	if most := Bytes(store.MaxAttached); r.AttachFiles > most {
		c.add(key+".attach_files", r.AttachFiles.Words()+" are too much for a mail",
			"Write "+most.Words()+" at most: many mail servers refuse a mail of more. Larger files are links.")
	}
	c.hours(key, r)
}

func (c *collector) hours(key string, r Region) {
	zone, err := sla.Zone(r.Zone)
	if err != nil {
		c.add(key+".zone", "unknown time zone "+strconv.Quote(r.Zone), "Use an IANA name, such as America/New_York.")
		zone = time.UTC
	}
	week, err := sla.Parse(r.Hours)
	if err != nil {
		c.add(key+".hours", err.Error(), "")
		return
	}
	if _, err := sla.NewCalendar(zone, week, r.Holidays); err != nil {
		c.add(key+".holidays", err.Error(), "")
	}
	if r.FirstResponse < 0 || r.Resolution < r.FirstResponse {
		c.add(key+".resolution", "the promised resolution is earlier than the first response", "")
	}
}

func (c *collector) address(key, value string) {
	const bare = "Write the bare address without a +tag: address = \"partner.support@example.com\""
	address, problem := addr.Parse(value)
	_, ascii := addr.Split(address)
	switch _, domain := addr.Split(value); {
	case problem != "":
		c.add(key, strconv.Quote(value)+" is no plain mail address: it "+problem.Sentence(), bare)
	case strings.Contains(value, "+") || strings.TrimSpace(value) != value:
		c.add(key, strconv.Quote(value)+" is no plain mail address", bare)
	case ascii != strings.ToLower(domain):
		// Message-IDs bear the domain, and other hosts' mail names it as the DNS does.
		c.add(key, strconv.Quote(value)+" has a domain beyond ASCII", "Write it as it stands in the DNS: "+ascii)
	}
}

func (c *collector) mailbox(key string, m Mailbox, accounts map[string]OAuth) {
	c.hostPort(key+".address", m.Address)
	c.oneOf(key+".tls", m.TLS, "tls", "starttls", "none")
	if m.TLS == "none" && !isLoopback(m.Address) {
		c.add(key+".tls", "the password, and all mail, would cross the network in the clear",
			"Use tls or starttls; none is for a server on this machine.")
	}
	c.oneOf(key+".auth", m.Auth, "password", "xoauth2")
	if m.Username == "" {
		c.add(key+".username", "no user name", "")
	}
	if m.Auth == "xoauth2" {
		c.account(key+".oauth", m.OAuth, accounts)
	} else if m.Password == "" {
		c.lacking(LacksLogin, key+".password_file", "no password", "Set "+variableOf(key+".password")+" or name a "+
			"password_file.")
	}
	for _, a := range m.Aliases {
		c.address(key+".aliases", a)
	}
	c.folders(key, m)
}

// folders refuses moves into the folder that is watched: each makes a new mail,
// which would be read and moved again.
func (c *collector) folders(key string, m Mailbox) {
	for _, to := range []struct{ key, folder string }{
		{"move_to", m.MoveTo}, {"folders.answered", m.Folders.Answered}, {"folders.bounces", m.Folders.Bounces},
		{"folders.automatic", m.Folders.Automatic}, {"folders.unclear", m.Folders.Unclear},
	} {
		if to.folder != "" && strings.EqualFold(to.folder, m.Folder) {
			c.add(key+"."+to.key, strconv.Quote(to.folder)+" is the folder that is watched",
				"Name another, such as \"Processed\".")
		}
	}
}

func (c *collector) smtp(s SMTP, accounts map[string]OAuth) {
	c.hostPort("smtp.address", s.Address)
	c.oneOf("smtp.tls", s.TLS, "tls", "starttls", "opportunistic", "none")
	c.oneOf("smtp.auth", s.Auth, "plain", "login", "xoauth2", "none")
	switch {
	case s.Auth == "xoauth2":
		c.account("smtp.oauth", s.OAuth, accounts)
		if s.Username == "" {
			c.add("smtp.username", "auth xoauth2 needs a user name", "Name the mailbox the token is for.")
		}
	case s.Username != "" && s.Password == "" && s.Auth != "none":
		c.lacking(LacksLogin, "smtp.password_file", "a user name but no password",
			"Set "+variableOf("smtp.password")+" or name a password_file.")
	}
	if s.TLS == "opportunistic" && s.Username != "" && s.Auth != "none" && !isLoopback(s.Address) {
		c.add("smtp.tls", "opportunistic TLS checks no certificate, so no login may go over it",
			"Use tls or starttls, or leave username out.")
	}
	c.between("smtp.sessions", s.Sessions, 1, 100)
	c.between("smtp.per_domain", s.PerDomain, 1, 100)
}

// isLoopback tells a host:port that never leaves this machine.
func isLoopback(address string) bool {
	host, _, _ := net.SplitHostPort(address)
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// account checks the name of an [oauth.ID] table.
func (c *collector) account(key, id string, accounts map[string]OAuth) {
	if _, ok := accounts[id]; !ok {
		c.add(key, "there is no [oauth."+id+"]", "auth = \"xoauth2\" needs the table that says where access tokens come "+
			"from: one of "+strings.Join(sorted(accounts), ", "))
	}
}

func (c *collector) oauth(key string, o OAuth) {
	id := strings.TrimPrefix(key, "oauth.")
	if !regionID.MatchString(id) {
		c.add(key, strconv.Quote(id)+" is no id", "Use lower-case letters, digits and dashes.")
	}
	u, ok := webAddress(o.TokenURL)
	isLocal := ok && (u.Hostname() == "localhost" || u.Hostname() == "127.0.0.1")
	if !ok || u.Scheme != "https" && !isLocal {
		c.add(key+".token_url", "not the https address of a token endpoint",
			"Google: https://oauth2.googleapis.com/token. Microsoft: "+
				"https://login.microsoftonline.com/TENANT/oauth2/v2.0/token.")
	}
	if o.ClientID == "" {
		c.add(key+".client_id", "no client id", "The id of the app you registered at the provider.")
	}
	if o.ClientSecret == "" && o.RefreshToken == "" {
		c.lacking(LacksLogin, key, "neither a refresh token nor a client secret",
			"Set "+variableOf(key+".refresh_token")+" or "+variableOf(key+".client_secret")+", or name refresh_token_file "+
				"or client_secret_file.")
	}
	if _, ok := o.SecretEnds(); o.SecretExpires != "" && !ok {
		c.add(key+".secret_expires", strconv.Quote(o.SecretExpires)+" is no date", "Write it like 2027-03-31.")
	}
}

func (c *collector) dkim(key string, d DKIM) {
	if d.Domain == "" || d.Selector == "" {
		c.add(key, "a signing key needs domain, selector and key_file", "")
	}
	if _, err := readKey(d.KeyFile); err != nil {
		c.add(key+".key_file", err.Error(), "A PEM file with an RSA or Ed25519 private key.")
	}
}

func (c *collector) form(cfg *Config) {
	f := cfg.Form
	for key, rate := range map[string]int{
		"uploads_at_once": f.UploadsAtOnce, "posts_per_network": f.PerNetwork, "posts_per_address": f.PerAddress,
		"confirmations_per_address": f.ConfirmAddr, "confirmations_per_address_day": f.ConfirmAddrDay,
		"confirmations_per_domain": f.ConfirmDom, "confirmations_per_domain_day": f.ConfirmDomDay,
		"confirmations_per_network": f.ConfirmNet, "confirmations_per_network_day": f.ConfirmNetDay,
		"confirmations_in_all": f.ConfirmTotal, "confirmations_in_all_day": f.ConfirmTotalDay,
	} {
		c.between("form."+key, rate, 0, 1_000_000)
	}
	for _, err := range []error{cfg.ForPosts().Validate(), cfg.ForForm().Validate()} {
		joined, ok := err.(interface{ Unwrap() []error })
		if !ok {
			continue
		}
		for _, fault := range joined.Unwrap() {
			key, what, _ := strings.Cut(fault.Error(), ": ")
			c.add("form."+key, what, "")
		}
	}
}

func (c *collector) responder(r Responder) {
	// RFC 5230 section 4.1: at least one day.
	c.between("responder.period_days", r.PeriodDays, 1, 365)
	c.between("responder.per_domain_hour", r.DomainHour, -1, 100000)
	c.between("responder.per_domain_day", r.DomainDay, -1, 100000)
	c.between("responder.per_network_hour", r.Network, -1, 100000)
	c.between("responder.breaker", r.Breaker, 1, 100000)
	c.between("responder.returned_percent", r.Returned, 0, 99)
}

// rawDaysLeast is how long a report may still be tied to the mail it is about, and
// looked into.
const rawDaysLeast = int(ident.TagKept/(24*time.Hour)) * 2

func (c *collector) ledger(l Ledger) {
	c.between("ledger.raw_days", l.RawDays, rawDaysLeast, 3650)
	if l.RawTotal != 0 && l.RawTotal < 64<<20 {
		c.add("ledger.raw_total", fmt.Sprintf("%d bytes are too few", l.RawTotal), "Use 64 MiB or more, or 0 for no bound.")
	}
}

func (c *collector) staff(s Staff) {
	for _, role := range s.RequireFactor {
		if !slices.Contains(store.Roles(), role) {
			c.add("staff.require_factor", strconv.Quote(string(role))+" is no role", "Use agent, lead, ops or admin.")
		}
	}
}

func (c *collector) alarm(cfg *Config) {
	a := cfg.Alarm
	ours := cfg.OwnAddresses()
	for i, address := range a.Mail {
		_, problem := addr.Parse(address)
		switch {
		case problem != "":
			c.add("alarm.mail", strconv.Quote(address)+" is no plain mail address: it "+problem.Sentence(),
				"Write bare addresses: mail = [\"ops@example.com\"]")
		case ours(address):
			c.add("alarm.mail", address+" is one of our own addresses",
				"What arrives there is not read: name an address that people read.")
		case i == maxAlarmMails:
			c.add("alarm.mail", fmt.Sprintf("more than %d addresses", maxAlarmMails), "Use a distribution list.")
		}
	}
	if a.DiskFillsWithin < 0 || a.DiskFillsWithin > 30*24*time.Hour {
		c.add("alarm.disk_fills_within", fmt.Sprintf("%v is out of range", a.DiskFillsWithin), "Use 0s (off) to 720h.")
	}
	c.between("alarm.refusals", a.Refusals, 0, store.RefusalAddresses)
	c.between("alarm.throttled", a.Throttled, 0, 1_000_000)
	if _, ok := webAddress(a.Webhook); a.Webhook != "" && !ok {
		c.add("alarm.webhook", "not the address of a web service", "Write it in full, beginning with https://. Where it "+
			"is secret, set SIGNPOST_ALARM__WEBHOOK instead.")
	}
	if a.Repeat < time.Minute {
		c.add("alarm.repeat", fmt.Sprintf("%v is too often", a.Repeat), "Use 1m or more.")
	}
	c.between("alarm.answers_floor", a.AnswersFloor, 0, 1_000_000)
}

func (c *collector) canary(cfg *Config) {
	y := cfg.Canary
	if !y.On {
		return
	}
	c.address("canary.address", y.Address)
	if cfg.OwnAddresses()(y.Address) {
		c.add("canary.address", y.Address+" is one of our own addresses",
			"We never answer ourselves: give the canary an address of its own, for which the relay may send.")
	}
	box, ok := cfg.Mailbox[y.Mailbox]
	switch {
	case !ok:
		c.add("canary.mailbox", "there is no [mailbox."+y.Mailbox+"]",
			"Name the mailbox table by which the canary's mail is read.")
	case box.Bounces:
		c.add("canary.mailbox", "mailbox "+y.Mailbox+" is for bounces", "The canary needs one of its own.")
	}
	for _, id := range sorted(cfg.Region) {
		if ok && cfg.Region[id].Mailbox == y.Mailbox {
			c.add("canary.mailbox", "mailbox "+y.Mailbox+" is that of region."+id, "The canary needs one of its own.")
		}
	}
	if ok && len(cfg.WatchedRegions()) == 0 {
		c.add("canary.on", "no region's mailbox answers", "The canary has nothing to try: give a region a mailbox that "+
			"is not silent.")
	}
	if y.Every != 0 && y.Every < 5*time.Minute || y.Every < 0 {
		c.add("canary.every", fmt.Sprintf("%v is too often", y.Every), "Use 5m or more, or 0s to send it by hand alone.")
	}
	if y.Limit < 10*time.Second || y.Limit > time.Hour {
		c.add("canary.limit", fmt.Sprintf("%v is out of range", y.Limit), "Use 10s to 1h.")
	}
}

func (c *collector) oneOf(key, value string, allowed ...string) {
	if !slices.Contains(allowed, value) {
		c.add(key, strconv.Quote(value)+" is not known", "Use one of "+strings.Join(allowed, ", ")+".")
	}
}

func (c *collector) between(key string, value, low, high int) {
	if value < low || value > high {
		c.add(key, fmt.Sprintf("%d is out of range", value), fmt.Sprintf("Use %d to %d.", low, high))
	}
}
