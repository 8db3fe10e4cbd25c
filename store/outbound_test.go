package store_test

import (
	"testing"

	"signpost/store"
)

// Every kind of mail answers every question, and a new kind fails here until its
// answers are written down.
func TestEachKindOfMailAnswersTheQuestions(t *testing.T) {
	t.Parallel()
	type answers struct{ atMostOnce, ofTicket, automatic, answers, followsRequester, ofAccount, opens bool }
	want := map[store.OutboundKind]answers{
		store.MailConfirmation: {ofTicket: true, automatic: true, followsRequester: true},
		store.MailAutoResponse: {atMostOnce: true, automatic: true, answers: true},
		store.MailLinks:        {ofTicket: true, automatic: true, followsRequester: true},
		store.MailReply:        {ofTicket: true},
		store.MailSolved:       {ofTicket: true, automatic: true, followsRequester: true},
		store.MailColleague:    {ofTicket: true, automatic: true},
		store.MailPromise:      {ofTicket: true, automatic: true, followsRequester: true},
		store.MailAlarm:        {automatic: true},
		store.MailCanary:       {automatic: true},
		store.MailInvite:       {automatic: true, ofAccount: true, opens: true},
		store.MailReset:        {automatic: true, ofAccount: true, opens: true},
		store.MailNotice:       {automatic: true, ofAccount: true},
	}
	kinds := store.OutboundKinds()
	if len(kinds) != len(want) {
		t.Errorf("%d kinds, %d are told of here", len(kinds), len(want))
	}
	for _, k := range append(kinds, "written by a person") { // all answers are no
		got := answers{
			k.AtMostOnce(), k.OfTicket(), k.Automatic(), k.Answers(), k.FollowsRequester(), k.OfAccount(), k.Opens(),
		}
		if got != want[k] {
			t.Errorf("%s: %+v, want %+v", k, got, want[k])
		}
	}
}

func TestWhichMailASuppressionKeepsBack(t *testing.T) {
	t.Parallel()
	const byPerson store.OutboundKind = "written by a person"
	for _, c := range []struct {
		scope                     store.Scope
		confirms, answers, person bool
	}{
		{store.ScopeAll, true, true, true},
		{store.ScopeAutomatic, true, true, false},
		{store.ScopeAnswers, false, true, false},
	} {
		if c.scope.Stops(store.MailConfirmation) != c.confirms || c.scope.Stops(store.MailAutoResponse) != c.answers ||
			c.scope.Stops(byPerson) != c.person {
			t.Errorf("scope %s: want confirmations kept back %v, automatic answers %v, what a person writes %v",
				c.scope, c.confirms, c.answers, c.person)
		}
	}
}
