package staff

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"signpost/intake/web"
	"signpost/store"
	"signpost/store/ident"
	"signpost/store/origin"
)

// askedTakes is how long an answer to who asks for a link takes at the least, so that its
// time tells no account from none. The store's part is one write in both cases.
const askedTakes = 300 * time.Millisecond

type forgotData struct {
	Email, Fault string
	Asked        bool
}

func (s *Staff) showForgot(x *web.Exchange) error {
	x.Private()
	return s.forgot.Show(x, http.StatusOK, forgotData{})
}

// postForgot mails a link to choose a password, where the address is an account's. The
// answer is the same whether it is or not, and whether a mail was sent or not.
func (s *Staff) postForgot(x *web.Exchange) error {
	x.Private()
	if err := x.Request.ParseForm(); err != nil {
		return &web.Fault{Status: http.StatusBadRequest, Err: err}
	}
	now := time.Now()
	d := forgotData{Email: strings.TrimSpace(x.Request.PostForm.Get("email"))}
	if ok, wait := s.asked.AllowNetworks(x.Remote(), "", now); !ok {
		d.Fault = "Too many links were asked for from your network. Try again in " + inWords(wait) + "."
		x.Header().Set("Retry-After", retryAfter(wait))
		return s.forgot.Show(x, http.StatusTooManyRequests, d)
	}
	if d.Email == "" || len(d.Email) > store.MaxFrom {
		d.Fault = "Enter the email address that you sign in with."
		return s.forgot.Show(x, http.StatusUnprocessableEntity, d)
	}
	queued, err := s.deps.Agents.AskAgentLink(x.Request.Context(), now, d.Email, s.resetLink(x, d.Email, now))
	if err != nil {
		return err
	}
	if queued && s.deps.Kick != nil {
		s.deps.Kick()
	}
	x.Log.Info("link to choose a password asked for", "request", x.ID, "network", networkOf(x))
	select {
	case <-time.After(askedTakes - time.Since(now)):
	case <-x.Request.Context().Done():
	}
	d.Asked = true
	return s.forgot.Show(x, http.StatusOK, d)
}

// resetLink is a link to choose a password, within the budgets of such mails: of its
// address, of the network that asks and of all.
func (s *Staff) resetLink(x *web.Exchange, email string, now time.Time) store.NewAgentLink {
	mail := s.mail(store.MailReset, now, "Choose a new password",
		"Somebody, probably you, asked for a new password for your account at "+s.cfg.Issuer+".\n\n"+
			"The link works once, until "+now.Add(ResetLasts).UTC().Format("15:04 MST")+". Signing in asks for your second "+
			"step as before.\n\n"+
			"If you did not ask for it, ignore this mail: your password stays as it is. It was asked for from the network "+
			networkOf(x)+".")
	network := origin.Widest(x.Remote()).String()
	mail.Budgets = []store.Budget{
		{Name: "account link/network", Key: network, Limit: 4 * s.cfg.AskedPerNetwork, Window: day},
		{Name: "account link/address", Key: store.AddressKey(email), Limit: s.cfg.AskedForAccount, Window: day},
		{Name: "account link/all", Limit: s.cfg.AskedInAll, Window: day},
	}
	return newLink(store.AgentLinkReset, now, ResetLasts, mail)
}

func newLink(kind store.AgentLinkKind, now time.Time, lasts time.Duration, mail store.NewMail) store.NewAgentLink {
	return store.NewAgentLink{
		AgentLink: store.AgentLink{ID: ident.NewLink(now), Kind: kind, Until: now.Add(lasts)}, Mail: mail,
	}
}

// ErrNoMail: there is no address that mails about accounts could leave from.
var ErrNoMail = errors.New("no mail about accounts is sent here")

// Invite mails an agent a link by which they choose their first password or passkey. The
// store asks whether the actor may; store.ErrConflict for a disabled agent, ErrNoMail
// where there is no sender.
func (s *Staff) Invite(ctx context.Context, now time.Time, by store.Actor, who store.Agent) error {
	if s.deps.From == "" {
		return ErrNoMail
	}
	mail := s.mail(store.MailInvite, now, "Set up your account at "+s.cfg.Issuer,
		"You have an account for staff at "+s.cfg.Issuer+". You sign in with this address, "+who.Email+".\n\n"+
			"Choose a password or a passkey by the link. It works once, until "+
			now.Add(InviteLasts).UTC().Format("Monday 2 January 2006, 15:04 MST")+". After that, ask your administrator for "+
			"another one.\n\n"+
			"If you do not know what this is about, ignore this mail.")
	_, err := s.deps.Agents.MailAgentLink(ctx, now, by, who.ID, newLink(store.AgentLinkInvite, now, InviteLasts, mail))
	if err == nil && s.deps.Kick != nil {
		s.deps.Kick()
	}
	return err
}

// linkData is the page behind a mailed link.
type linkData struct {
	Who         store.Agent
	Invite      bool
	Path        string // the page's own
	Fault       string
	MinPassword int
	Party       string // that passkeys belong to
}

// followed is whose account a link leads into, and the link; store.ErrNotFound for one
// that does not work, or not any more.
func (s *Staff) followed(
	x *web.Exchange, kind store.AgentLinkKind, now time.Time,
) (store.Agent, store.AgentLink, error) {
	id, link, ok := s.deps.Ring.ParseAgentLink(x.Param("token"))
	if !ok {
		return store.Agent{}, store.AgentLink{}, store.ErrNotFound
	}
	who, err := s.deps.Agents.Agent(x.Request.Context(), id)
	if err != nil {
		return who, store.AgentLink{}, err
	}
	l, ok := who.Link(now, link)
	if !ok || l.Kind != kind {
		err = store.ErrNotFound
	}
	return who, l, err
}

func (s *Staff) linkData(x *web.Exchange, who store.Agent, kind store.AgentLinkKind) linkData {
	d := linkData{
		Who: who, Invite: kind == store.AgentLinkInvite, Path: x.Request.URL.EscapedPath(), MinPassword: MinPassword,
	}
	if d.Invite {
		d.Party = s.relying.host()
	}
	return d
}

// showLink shows what the link is for and changes nothing: programs that look through
// mail follow links, too.
func (s *Staff) showLink(kind store.AgentLinkKind) web.Handler {
	return func(x *web.Exchange) error {
		x.Private()
		who, _, err := s.followed(x, kind, time.Now())
		if errors.Is(err, store.ErrNotFound) {
			return s.overLink(x, kind)
		}
		if err != nil {
			return err
		}
		return s.link.Show(x, http.StatusOK, s.linkData(x, who, kind))
	}
}

// overLink says that a link does not work, in the same words whatever the reason.
func (s *Staff) overLink(x *web.Exchange, kind store.AgentLinkKind) error {
	return s.over.Show(x, http.StatusNotFound, linkData{Invite: kind == store.AgentLinkInvite})
}

// getLinkOptions begins a passkey for who followed an invitation.
func (s *Staff) getLinkOptions(x *web.Exchange) error {
	x.Private()
	who, _, err := s.followed(x, store.AgentLinkInvite, time.Now())
	if err != nil {
		return err
	}
	c, err := s.relying.beginAdd(who)
	return answerCeremony(x, c, err)
}

// postLink spends the link: it sets the password, or the passkey of an invitation. Who did
// so signs in with it, and with the second step of the account where it has one: the
// mailbox alone opens nothing.
func (s *Staff) postLink(kind store.AgentLinkKind) web.Handler {
	return func(x *web.Exchange) error {
		x.Private()
		if err := x.Request.ParseForm(); err != nil {
			return &web.Fault{Status: http.StatusBadRequest, Err: err}
		}
		now := time.Now()
		who, link, err := s.followed(x, kind, now)
		if errors.Is(err, store.ErrNotFound) {
			return s.overLink(x, kind)
		}
		if err != nil {
			return err
		}
		c := store.AgentChange{Spends: store.SecondFactor{Link: link.ID}}
		done, fault, err := s.chosen(x, who, kind, now, &c)
		if err != nil {
			return err
		}
		if fault != "" {
			d := s.linkData(x, who, kind)
			d.Fault = fault
			return s.link.Show(x, http.StatusUnprocessableEntity, d)
		}
		_, err = s.deps.Agents.ChangeAgent(x.Request.Context(), now, ActorOf(x, who), who.ID, c)
		if errors.Is(err, store.ErrConflict) { // spent at the same moment
			return s.overLink(x, kind)
		}
		if err != nil {
			return err
		}
		s.kick(c.Notice)
		x.Log.Info("account changed by a mailed link", "request", x.ID, "agent", who.ID, "link", kind, "change", done)
		return x.Redirect("/sign-in?done=" + done)
	}
}

// chosen reads what who followed a link chose into a change; fault says in words what is
// wrong with it.
func (s *Staff) chosen(
	x *web.Exchange, who store.Agent, kind store.AgentLinkKind, now time.Time, c *store.AgentChange,
) (done, fault string, err error) {
	f := x.Request.PostForm
	if kind == store.AgentLinkInvite && f.Has("passkey") {
		key, use, err := s.relying.added(who, f.Get("ceremony"), f.Get("passkey"))
		if err != nil {
			return "", wordsPasskey, nil
		}
		key.Name = passkeyName("", x.Request.UserAgent())
		c.AddsPasskey, c.Spends.Passkey = &key, use
		c.Notice = s.notice(x, who, now, "Passkey added to your account", "A passkey was added by the invitation.")
		return "passkey", "", nil
	}
	if fault = s.checkPassword(who, f.Get("new")); fault != "" {
		return "", fault, nil
	}
	var hash string
	err = s.inTurn(x.Request.Context(), s.clientOf(x, who, now), func() { hash = HashPassword(f.Get("new")) })
	if err != nil {
		var slow *slowError
		if errors.As(err, &slow) {
			return "", slow.words(), nil
		}
		return "", "", err
	}
	c.Password = &hash
	c.Notice = s.notice(x, who, now, "Password of your account changed", "The password of your account was chosen by a "+
		"mailed link. All sessions are ended.")
	return "password", "", nil
}

// checkPassword says what is wrong with a new password of the agent's, "" when nothing is.
func (s *Staff) checkPassword(who store.Agent, chosen string) string {
	return CheckPassword(chosen, append([]string{who.Name, who.Email, s.cfg.Issuer}, s.cfg.Own...)...)
}
