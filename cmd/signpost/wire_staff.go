package main

import (
	"context"
	"maps"
	"slices"
	"time"

	"signpost/cmd/signpost/alarm"
	"signpost/cmd/signpost/config"
	"signpost/cmd/signpost/replymail"
	"signpost/cmd/signpost/secret"
	"signpost/intake/desk"
	"signpost/intake/ops"
	"signpost/intake/post"
	"signpost/intake/staff"
	"signpost/mail/watch"
	"signpost/store"
)

// buildStaff adds the pages of the door for those who work here, and the rooms behind it.
func (a *App) buildStaff(posts *post.Reader) (err error) {
	if err := a.staff.Mount(a.web); err != nil {
		return err
	}
	if err := a.sealSecrets(); err != nil {
		return err
	}
	if err := a.buildDesk(posts); err != nil {
		return err
	}
	board, err := ops.New(ops.Deps{
		Store: a.db, Blobs: a.blobs, Door: a.staff, Regions: a.cfg.Regions(),
		Mailboxes: a.watched, Troubles: a.troubleWords, Checks: a.selfChecks, Canary: a.canaryPage(), Kick: a.sender.Hasten,
		Holds: a.heldForOps, Relay: a.relayForOps,
	})
	if err != nil {
		return err
	}
	return board.Mount(a.web)
}

// openStaff makes the door for those who work here, which has no pages yet: the command line
// invites by it.
func (a *App) openStaff() (err error) {
	a.staff, err = staff.New(a.cfg.ForStaff(), staff.Deps{
		Agents: a.db, Ring: a.ring, Home: staffHome, Kick: a.kickSender,
		From: a.cfg.Regions()[0].Address, FromName: a.cfg.Service.Product, Regions: a.cfg.Regions(),
	})
	return err
}

// kickSender tells the sender, where one runs, that there is mail.
func (a *App) kickSender() {
	if a.sender != nil {
		a.sender.Kick()
	}
}

// buildDesk adds the agents' desk, whose section comes first in the navigation.
func (a *App) buildDesk(posts *post.Reader) error {
	room, err := desk.New(desk.Deps{
		Store: a.db, Blobs: a.blobs, Door: a.staff, Posts: posts, Ring: a.ring, English: a.texts.Langs()[0],
		Regions: a.cfg.Regions(), Categories: a.cfg.Form.Categories, LinkKept: a.cfg.LinkKept(), Undo: a.cfg.Undo(),
		Preview: replymail.Preview(a.composer), Why: a.policy.Why, Kick: a.sender.Kick, Words: a.words,
		Promising: a.policy.Promising,
	})
	if err != nil {
		return err
	}
	return room.Mount(a.web)
}

// rotator changes the installation's secret, where it comes from a file.
func (a *App) rotator() *secret.Rotator {
	r := &secret.Rotator{
		Ring: a.ring, Store: a.db, Accounts: slices.Sorted(maps.Keys(a.cfg.OAuth)),
		Authenticators: func(ctx context.Context) error {
			_, _, err := staff.SealSecrets(ctx, a.db, a.ring)
			return err
		},
	}
	if a.cfg.Service.Secret == "" {
		r.File = a.cfg.Service.SecretFile
	}
	return r
}

// sealSecrets seals what an older version, or an older secret of the installation,
// left of authenticators' secrets.
func (a *App) sealSecrets() error {
	sealed, lost, err := staff.SealSecrets(context.Background(), a.db, a.ring)
	if sealed > 0 {
		a.log.Info("authenticators' secrets sealed", "agents", sealed)
	}
	for _, id := range lost {
		a.log.Warn("the secret of an authenticator was sealed by an installation secret that is not here: the agent signs "+
			"in with a recovery code, or needs signpost agent add --update", "agent", id)
	}
	return err
}

// staffHome is the page that opens after a sign-in.
func staffHome(who store.Agent) string {
	if who.Has(store.RoleAgent) {
		return "/desk"
	}
	if who.Has(store.RoleOps) {
		return "/ops"
	}
	return "/account"
}

// watched tells how each mailbox is watched.
func (a *App) watched() (all []ops.Mailbox) {
	for _, w := range a.watchers {
		h := w.Health()
		_, silent := alarm.Silent(h, a.began, time.Now())
		c := a.cfg.Mailbox[h.Mailbox]
		box := ops.Mailbox{
			ID: h.Mailbox, Account: c.Username + ", " + c.Folder + " at " + c.Address, State: watchingWords(h.State),
			Since:     h.Since,
			LastCycle: h.LastCycle, LastError: h.LastError, Silent: silent, Waiting: h.Waiting, Dry: c.Silent || c.Bounces,
		}
		box.TokenEnds, box.TokenFault = a.accessOf(c)
		all = append(all, box)
	}
	return all
}

// watchingWords says what a watcher is doing, to readers who do not know IMAP.
func watchingWords(s watch.State) string {
	switch s {
	case watch.StateIdle:
		return "listening"
	case watch.StateWaiting:
		return "waiting to connect again"
	case watch.StateRefused:
		return "login refused"
	}
	return string(s)
}

// accessOf is when a mailbox's access ends unless it is renewed, zero where that is
// not known, and why it has none now.
func (a *App) accessOf(c config.Mailbox) (ends time.Time, fault string) {
	source, ok := a.accounts[c.OAuth]
	if c.Auth != "xoauth2" || !ok {
		return ends, ""
	}
	status := source.Status()
	if status.Err != nil {
		fault = status.Err.Error()
	}
	ends = status.RefreshUntil
	if secret, ok := a.cfg.OAuth[c.OAuth].SecretEnds(); ok && (ends.IsZero() || secret.Before(ends)) {
		ends = secret
	}
	return ends, fault
}

func (a *App) troubleWords(ctx context.Context) (words []string) {
	for _, t := range a.troubles(ctx) {
		words = append(words, t.What)
	}
	return words
}
