package watch

import (
	"context"
	"errors"

	"github.com/emersion/go-imap/v2"

	"signpost/store"
)

// marks tells whether anything is to be changed on the server at all.
func (s *session) marks() bool {
	return s.w.box.Mark || s.w.box.MarkAnswered || s.w.box.MoveTo != ""
}

// mark shows on the server what became of the mails: a courtesy to people who
// look into the mailbox. A server that refuses is not asked for more; only a
// lost connection is an error.
func (s *session) mark(ctx context.Context, rows []store.Inbound) error {
	var done, answered imap.UIDSet
	for _, row := range rows {
		if row.State != store.InboundDecided || row.UIDValidity != s.folder.validity {
			continue
		}
		done.AddNum(imap.UID(row.UID))
		if row.Answer != 0 {
			answered.AddNum(imap.UID(row.UID))
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
	return s.move(ctx, done)
}

func (s *session) flag(ctx context.Context, set imap.UIDSet, flag imap.Flag) error {
	if len(set) == 0 {
		return nil
	}
	return s.courtesy("flag", s.within(ctx, commandLimit, func(context.Context) error {
		return s.client.Store(set, &imap.StoreFlags{Op: imap.StoreFlagsAdd, Silent: true, Flags: []imap.Flag{flag}}, nil).Close()
	}))
}

// move needs the server's own MOVE: without it the client library would copy,
// delete and expunge in one go, and delete also what could not be copied.
func (s *session) move(ctx context.Context, set imap.UIDSet) error {
	if len(set) == 0 || s.w.box.MoveTo == "" || !s.has(imap.CapMove) {
		return nil
	}
	return s.courtesy("move", s.within(ctx, chunkLimit, func(context.Context) error {
		_, err := s.client.Move(set, s.w.box.MoveTo).Wait()
		return err
	}))
}

// courtesy lets a refusal pass: the ledger holds the truth.
func (s *session) courtesy(what string, err error) error {
	var answer *imap.Error
	if errors.As(err, &answer) {
		s.w.log.Warn("the server refuses a mark", "mark", what, "answer", answer.Text)
		return nil
	}
	return err
}
