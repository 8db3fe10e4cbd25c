package verbs

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"time"

	"signpost/store"
)

type agentLinkRecord struct {
	ID    []byte `cbor:"1,keyasint"`
	Kind  string `cbor:"2,keyasint"`
	Until int64  `cbor:"3,keyasint"`
}

func (r agentLinkRecord) link() (l store.AgentLink) {
	copy(l.ID[:], r.ID)
	l.Kind, l.Until = store.AgentLinkKind(r.Kind), instant(r.Until)
	return l
}

// spendLink ends the link that was followed. One that is over counts no more.
func (r *agentRecord) spendLink(now time.Time, id store.LinkID) error {
	if id == (store.LinkID{}) {
		return nil
	}
	at := slices.IndexFunc(r.Links, func(l agentLinkRecord) bool { return bytes.Equal(l.ID, id[:]) })
	if at < 0 || r.Disabled || !now.Before(instant(r.Links[at].Until)) {
		return errors.Join(store.ErrConflict, errors.New("the link was used before, is over, or is another's"))
	}
	r.Links = slices.Delete(slices.Clone(r.Links), at, at+1)
	return nil
}

// addLink adds a link, in the place of those that are over and, where there are too
// many, of the oldest.
func (r *agentRecord) addLink(now time.Time, l store.AgentLink) {
	links := slices.DeleteFunc(slices.Clone(r.Links), func(l agentLinkRecord) bool {
		return !now.Before(instant(l.Until))
	})
	links = append(links, agentLinkRecord{ID: bytes.Clone(l.ID[:]), Kind: string(l.Kind), Until: micros(l.Until)})
	r.Links = links[max(0, len(links)-store.MaxAgentLinks):]
}

// MailAgentLink implements store.Agents.
func (s *Store) MailAgentLink(
	ctx context.Context, now time.Time, by store.Actor, id store.AgentID, l store.NewAgentLink,
) (mail store.Outbound, err error) {
	now, l.Until = store.Instant(now), store.Instant(l.Until)
	if err = checkAgentLink(now, l); err == nil {
		to := store.Object{Kind: store.ObjectAgent, ID: uint64(id)}
		err = s.actOnAll(ctx, deed{now, by, store.ActManageStaff, to}, func(t *txn) (err error) {
			mail, err = t.mailAgentLink(now, by, id, l)
			return err
		})
	}
	if err != nil {
		return store.Outbound{}, wrap("mail a link to agent", id, err)
	}
	return mail, nil
}

// AskAgentLink implements store.Agents.
func (s *Store) AskAgentLink(
	ctx context.Context, now time.Time, email string, l store.NewAgentLink,
) (queued bool, err error) {
	now, l.Until = store.Instant(now), store.Instant(l.Until)
	if err = checkAgentLink(now, l); err == nil {
		err = s.write(ctx, 0, func(t *txn) (err error) {
			queued, err = t.askAgentLink(now, email, l)
			return err
		})
	}
	if err != nil {
		return false, wrap("mail a link to", "who asked for it", err)
	}
	return queued, nil
}

func checkAgentLink(now time.Time, l store.NewAgentLink) error {
	switch {
	case l.ID == (store.LinkID{}) || !now.Before(l.Until):
		return invalid("a link has an id and lasts")
	case l.Kind.Mail() == "" || l.Mail.Kind != l.Kind.Mail():
		return invalid("no mail with such a link")
	}
	return checkAccountMail(l.Mail)
}

func (t *txn) askAgentLink(now time.Time, email string, l store.NewAgentLink) (bool, error) {
	charges, spent := t.spend(now, meter(l.Mail.Budgets))
	if spent != nil {
		return false, nil
	}
	t.putCharges(charges)
	name := agentName(email)
	key := t.value(bAgentNames, name[:])
	if key == nil {
		return false, nil
	}
	l.Mail.Budgets = nil // charged
	_, err := t.mailAgentLink(now, store.ByService(), store.AgentID(readU64(key)), l)
	if errors.Is(err, store.ErrConflict) { // disabled
		return false, nil
	}
	return err == nil, err
}

func (t *txn) mailAgentLink(
	now time.Time, by store.Actor, id store.AgentID, l store.NewAgentLink,
) (mail store.Outbound, err error) {
	r, err := t.agent(id)
	if err != nil {
		return mail, err
	}
	if r.Disabled {
		return mail, errors.Join(store.ErrConflict, errors.New("the agent is disabled"))
	}
	r.addLink(now, l.AgentLink)
	l.Mail.Link = l.ID
	if mail, err = t.queueAccountMail(now, r.agent(id), l.Mail); err != nil {
		return mail, err
	}
	if err := t.putAgent(id, r); err != nil {
		return mail, err
	}
	return mail, t.audit(now, by, store.Audit{Event: store.AuditAgentInvited, Object: agentObject(r.agent(id))})
}

// endLinkOf ends the link of a mail into an account that came back: what came back holds
// it, and others than its agent read that.
func (t *txn) endLinkOf(mail store.Outbound) error {
	if !mail.Kind.Opens() {
		return nil
	}
	r, err := t.agent(mail.Agent)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(r.Links, func(l agentLinkRecord) bool { return bytes.Equal(l.ID, mail.Link[:]) })
	if at < 0 {
		return nil
	}
	r.Links = slices.Delete(slices.Clone(r.Links), at, at+1)
	return t.putAgent(mail.Agent, r)
}

// endAgentLinks ends every link into an account: which of them were used is not known
// after a restore.
func (t *txn) endAgentLinks() error {
	ended := map[store.AgentID]agentRecord{}
	err := t.walk(bAgents, nil, nil, func(key, _ []byte) (bool, error) {
		id := store.AgentID(readU64(key))
		r, err := t.agent(id)
		if len(r.Links) > 0 {
			r.Links = nil
			ended[id] = r
		}
		return true, err
	})
	for id, r := range ended {
		err = errors.Join(err, t.putAgent(id, r))
	}
	return err
}

// queueNotice tells an agent of what happened to their account, unless a budget of such
// mails is spent.
func (t *txn) queueNotice(now time.Time, who store.Agent, n *store.NewMail) error {
	if n == nil {
		return nil
	}
	if n.Kind != store.MailNotice {
		return invalid("a notice is a mail of its own kind")
	}
	if err := checkAccountMail(*n); err != nil {
		return err
	}
	charges, spent := t.spend(now, meter(n.Budgets))
	if spent != nil {
		return nil
	}
	t.putCharges(charges)
	_, err := t.queueAccountMail(now, who, *n)
	return err
}

// queueAccountMail queues a mail about an account to its agent.
func (t *txn) queueAccountMail(now time.Time, who store.Agent, n store.NewMail) (store.Outbound, error) {
	n.To, n.Agent = who.Email, who.ID
	return t.queueMail(now, n)
}

// checkAccountMail checks all but To, which is the agent's address.
func checkAccountMail(n store.NewMail) error {
	n.To = "the agent's"
	return checkNewMail(n)
}
