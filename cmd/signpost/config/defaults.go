package config

import (
	"cmp"
	"time"

	"signpost/intake/form"
	"signpost/intake/post"
	"signpost/intake/web"
	"signpost/mail/canary"
	"signpost/mail/outbox"
	"signpost/mail/watch"
)

// Default is what a key left out means. What a room has a default for is the room's.
func Default() Config {
	pages, answers, relay, tries := web.Defaults(), watch.DefaultLimits(), outbox.Defaults(), canary.Defaults()
	return Config{
		Service: Service{Listen: "127.0.0.1:8080", Data: "/var/lib/signpost", Product: pages.Name, Log: "info"},
		SMTP:    SMTP{TLS: "tls", Auth: "plain", Sessions: relay.Sessions, PerDomain: relay.PerDomain, NullSender: true},
		Form:    defaultForm(form.Defaults(), post.Defaults(), pages.BodiesInAll),
		Responder: Responder{
			PeriodDays: days(answers.Period), DomainHour: answers.DomainHour, DomainDay: answers.DomainDay,
			Network: answers.NetworkHour, Breaker: answers.Breaker, Returned: answers.Returns,
		},
		Ledger: Ledger{RawDays: 400, RawTotal: 4 << 30},
		Audit:  Audit{Days: 1830},
		Alarm: Alarm{
			Repeat: time.Hour, AnswersFloor: 10, Refusals: 3, Throttled: 50,
			DiskFloor: 2 << 30, DiskFillsWithin: 12 * time.Hour,
		},
		Canary: Canary{Every: 30 * time.Minute, Limit: tries.Limit},
	}
}

func defaultForm(d form.Config, p post.Config, uploads int) Form {
	return Form{
		MaxFiles: p.MaxFiles, MaxFile: Bytes(p.MaxFile), MaxTotal: Bytes(p.MaxTotal), UploadFloor: 512 << 20,
		UploadsAtOnce: uploads, UploadsPerDay: Bytes(p.UploadsPerDay),
		MinChars: d.MinDescription, MaxChars: d.MaxDescription, MinFill: d.MinFill, LinkDays: days(d.LinkKept),
		PerNetwork: d.PostsPerNetwork, PerAddress: d.PostsPerAddress,
		ConfirmAddr: d.ConfirmationsPerAddress, ConfirmAddrDay: d.ConfirmationsPerAddressDay,
		ConfirmDom: d.ConfirmationsPerDomain, ConfirmDomDay: d.ConfirmationsPerDomainDay,
		ConfirmNet: d.ConfirmationsPerNetwork, ConfirmNetDay: d.ConfirmationsPerNetworkDay,
		ConfirmTotal: d.ConfirmationsInAll, ConfirmTotalDay: d.ConfirmationsInAllDay,
	}
}

const day = 24 * time.Hour

func days(d time.Duration) int { return int(d / day) }

func (r Region) withDefaults() Region {
	if len(r.Languages) == 0 {
		r.Languages = []string{"en"}
	}
	r.Hours = cmp.Or(r.Hours, "Mon-Fri 09:00-17:00")
	r.FirstResponse, r.Resolution = cmp.Or(r.FirstResponse, 24*time.Hour), cmp.Or(r.Resolution, 48*time.Hour)
	return r
}

func (m Mailbox) withDefaults() Mailbox {
	m.TLS, m.Auth, m.Folder = cmp.Or(m.TLS, "tls"), cmp.Or(m.Auth, "password"), cmp.Or(m.Folder, "INBOX")
	return m
}
