package watch

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/emersion/go-imap/v2"

	"signpost/store"
)

// marks tells whether anything is to be changed on the server at all.
func (s *session) marks() bool {
	return s.w.box.Mark || s.w.box.MarkAnswered || len(s.w.box.targets()) > 0
}

// mark shows on the server what became of the mails, for people who look into
// the mailbox; nothing depends on it. A server that refuses is not asked for more; only a
// lost connection is an error.
func (s *session) mark(ctx context.Context, rows []store.Inbound) error {
	var done, answered imap.UIDSet
	moves := map[string]imap.UIDSet{}
	for _, row := range rows {
		if row.State != store.InboundDecided || row.UIDValidity != s.folder.validity {
			continue
		}
		done.AddNum(imap.UID(row.UID))
		if row.Answer != 0 {
			answered.AddNum(imap.UID(row.UID))
		}
		if to := s.w.box.target(row); to != "" {
			set := moves[to]
			set.AddNum(imap.UID(row.UID))
			moves[to] = set
		}
	}
	if s.w.box.Mark && s.folder.keyword {
		if err := s.flag(ctx, done, Keyword); err != nil {
			return err
		}
	}
	if s.w.box.MarkAnswered {
		if err := s.flag(ctx, answered, imap.FlagAnswered); err != nil {
			return err
		}
	}
	for _, to := range slices.Sorted(maps.Keys(moves)) {
		if err := s.move(ctx, moves[to], to); err != nil {
			return err
		}
	}
	return nil
}

// targets are all folders that mail may be moved to.
func (b Mailbox) targets() (all []string) {
	for _, to := range []string{b.Folders.Answered, b.Folders.Bounces, b.Folders.Automatic, b.Folders.Unclear, b.MoveTo} {
		if to != "" && !slices.Contains(all, to) {
			all = append(all, to)
		}
	}
	return all
}

// target is the folder a decided mail is moved to, "" for none.
func (b Mailbox) target(row store.Inbound) string {
	to := b.Folders.Automatic
	switch row.Verdict.Kind {
	case store.KindBounce, store.KindDelay, store.KindDelivered, store.KindComplaint:
		to = b.Folders.Bounces
	case store.KindDirect, store.KindUnparsable:
		to = b.Folders.Unclear
		known := slices.ContainsFunc(row.Verdict.Rules, func(r store.Rule) bool { return r.ID == store.RuleAnswered })
		if row.Answer != 0 || known {
			to = b.Folders.Answered
		}
	}
	if to == "" {
		return b.MoveTo
	}
	return to
}

func (s *session) flag(ctx context.Context, set imap.UIDSet, flag imap.Flag) error {
	if len(set) == 0 {
		return nil
	}
	return s.ignoreRefusal("flag", s.within(ctx, commandLimit, func(context.Context) error {
		add := &imap.StoreFlags{Op: imap.StoreFlagsAdd, Silent: true, Flags: []imap.Flag{flag}}
		return s.client.Store(set, add, nil).Close()
	}))
}

// move needs the server's own MOVE: without it the client library would copy,
// delete and expunge in one go, and delete also what could not be copied. A
// folder that is not there is made (RFC 6851 section 3.2, TRYCREATE).
func (s *session) move(ctx context.Context, set imap.UIDSet, to string) error {
	if len(set) == 0 || !s.has(imap.CapMove) {
		return nil
	}
	err := s.moveOnce(ctx, set, to)
	var answer *imap.Error
	if errors.As(err, &answer) && answer.Code == imap.ResponseCodeTryCreate {
		made := s.ignoreRefusal("create folder", s.within(ctx, commandLimit, func(context.Context) error {
			return s.client.Create(to, nil).Wait()
		}))
		if made != nil {
			return made
		}
		err = s.moveOnce(ctx, set, to)
	}
	return s.ignoreRefusal("move", err)
}

func (s *session) moveOnce(ctx context.Context, set imap.UIDSet, to string) error {
	return s.within(ctx, chunkLimit, func(context.Context) error {
		_, err := s.client.Move(set, to).Wait()
		return err
	})
}

// ignoreRefusal logs a refusal of a mark, since the ledger alone counts, and
// returns any other error.
func (s *session) ignoreRefusal(what string, err error) error {
	var answer *imap.Error
	if errors.As(err, &answer) {
		s.w.log.Warn("the server refuses a mark", "mark", what, "answer", answer.Text)
		return nil
	}
	return err
}
