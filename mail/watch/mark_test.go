package watch

import (
	"strings"
	"testing"
	"time"

	"signpost/store"
)

// People who look into the mailbox find mail by what became of it; the folders
// are made as they are needed.
func TestFoldersForPeople(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := newHouse(t)
		h.connectedBefore()
		h.box.Folders = Folders{Answered: "Answered", Bounces: "Bounces", Automatic: "Automatic", Unclear: "Unclear"}
		h.start()
		time.Sleep(time.Second)
		h.deliver(letter("ann@one.test", "a@one.test"))
		h.deliver(letter("ann@one.test", "again@one.test")) // answered before: nothing is open
		h.deliver(letter("away@two.test", "b@two.test", "Auto-Submitted: auto-replied"))
		h.deliver(strings.Replace(letter("eve@three.test", "c@three.test"), "spf=pass", "spf=fail", 1))
		h.deliver(letter("mailer-daemon@four.test", "d@four.test", "X-Failed-Recipients: x@five.test",
			"Content-Type: multipart/report; report-type=delivery-status; boundary=x"))
		time.Sleep(time.Minute)
		h.decided(5, 1)
		for name, want := range map[string]uint32{"INBOX": 0, "Answered": 2, "Automatic": 1, "Unclear": 1, "Bounces": 1} {
			if got := h.folder(name); got != want {
				t.Errorf("%s holds %d mails, want %d", name, got, want)
			}
		}
		for _, row := range h.rows() {
			t.Log(row.MessageID, row.Verdict.Kind, row.Answer)
		}
	})
}

func TestWhatHasNoFolderOfItsOwnGoesWithTheRest(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := newHouse(t)
		h.connectedBefore()
		h.box.Folders, h.box.MoveTo = Folders{Answered: "Answered"}, "Done"
		h.start()
		time.Sleep(time.Second)
		h.deliver(letter("ann@one.test", "a@one.test"))
		h.deliver(letter("away@two.test", "b@two.test", "Auto-Submitted: auto-replied"))
		time.Sleep(time.Minute)
		if a, d := h.folder("Answered"), h.folder("Done"); a != 1 || d != 1 {
			t.Errorf("Answered holds %d mails and Done %d, want one each", a, d)
		}
	})
}

// A mailbox that moves mail into the folder it watches would read it for ever.
func TestAFolderIsNotMovedIntoItself(t *testing.T) {
	t.Parallel()
	for name, box := range map[string]Mailbox{
		"all of it":  {ID: "a", MoveTo: "inbox"},
		"some of it": {ID: "b", Folder: "Support", Folders: Folders{Unclear: "Support"}},
		"no region":  {ID: "c"},
	} {
		if name != "no region" {
			box.Regions = []store.Region{{ID: "us"}}
		}
		if err := New(box, Deps{}).Run(t.Context()); err == nil || !strings.Contains(err.Error(), "mailbox "+box.ID) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A mailbox for bounces alone receives for no region and gets no answers.
func TestAMailboxOfBounces(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := newHouse(t)
		h.connectedBefore()
		h.box.Regions, h.box.Silent = nil, true
		h.start()
		h.deliver(numbered(1))
		time.Sleep(time.Minute)
		h.decided(1, 0)
	})
}
