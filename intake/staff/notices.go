package staff

import (
	"strconv"
	"time"

	"signpost/intake/web"
	"signpost/store"
)

// Budgets of notices to one agent: who is attacked learns of it, and is not drowned.
const (
	noticesAnHour = 6
	noticesADay   = 20
)

// notice is a mail to an agent of what happened to their account, from where and by which
// browser; nil where no mail is sent.
func (s *Staff) notice(x *web.Exchange, who store.Agent, now time.Time, subject, what string) *store.NewMail {
	return s.noticeOf(who, now, subject, what,
		"\nBrowser: "+browserWords(x.Request.UserAgent())+"\nNetwork: "+networkOf(x))
}

// ResetNotice is a mail to an agent whose account an administrator reset; nil where no mail
// is sent.
func (s *Staff) ResetNotice(who store.Agent, now time.Time) *store.NewMail {
	return s.noticeOf(who, now, "Your account was reset", "An administrator gave your account another password. Its "+
		"passkeys and its authenticator app are forgotten, and all sessions are ended.", "")
}

// noticeOf holds no secret and leads nowhere: a mail that says "click here" is what a
// forger sends.
func (s *Staff) noticeOf(who store.Agent, now time.Time, subject, what, place string) *store.NewMail {
	if s.deps.From == "" {
		return nil
	}
	mail := s.mail(store.MailNotice, now, subject, what+"\n\nTime: "+s.timeFor(who, now)+place+"\n\n"+
		"If you know of this, there is nothing to do. If not, open your account page, end the sessions you do not know, "+
		"choose another password and tell an administrator.")
	key := strconv.FormatUint(uint64(who.ID), 10)
	mail.Budgets = []store.Budget{
		{Name: "account notice/hour", Key: key, Limit: noticesAnHour, Window: time.Hour},
		{Name: "account notice/day", Key: key, Limit: noticesADay, Window: day},
	}
	return &mail
}

// recoveryNotice tells that a recovery code was used; nil where none was.
func (s *Staff) recoveryNotice(
	x *web.Exchange, who store.Agent, now time.Time, f store.SecondFactor,
) *store.NewMail {
	if f.Recovery == (store.RecoveryHash{}) {
		return nil
	}
	left := "You have no recovery codes left."
	if n := len(who.Recovery) - 1; n > 0 {
		left = "You have " + strconv.Itoa(n) + " left."
	}
	return s.notice(x, who, now, "Recovery code used", "A recovery code was used to sign in to your account. "+left)
}

// mail is a mail about an account, before its link and its budgets.
func (s *Staff) mail(kind store.OutboundKind, now time.Time, subject, text string) store.NewMail {
	return store.NewMail{
		Kind: kind, From: s.deps.From, FromName: s.deps.FromName,
		MessageID: s.deps.Ring.MessageID(now, kind, store.Domain(s.deps.From)), Subject: subject, Text: text,
	}
}

// timeFor is an instant in the agent's zone, with the zone named.
func (s *Staff) timeFor(who store.Agent, now time.Time) string {
	zone, err := time.LoadLocation(who.Profile.Zone) // "" is UTC
	if err != nil {
		zone = time.UTC
	}
	return now.In(zone).Format("Monday 2 January 2006, 15:04 MST")
}

// kick tells the outbox that a mail was queued; nil: none was.
func (s *Staff) kick(mail *store.NewMail) {
	if mail != nil && s.deps.Kick != nil {
		s.deps.Kick()
	}
}
