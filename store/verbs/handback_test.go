package verbs

import (
	"context"
	"errors"
	"testing"
	"time"

	"signpost/store"
)

// TestHousekeepFinishesHandingBack interrupts a change after its first transaction.
func TestHousekeepFinishesHandingBack(t *testing.T) {
	t.Parallel()
	db := openNew(t, fileOptions{})
	defer db.Close()
	furnish(t, db)
	now := time.Now()
	agent, err := db.AddAgent(t.Context(), now, store.ByService(), store.NewAgent{
		Email: "many@desk.example", Roles: []store.Role{store.RoleAgent},
	})
	if err != nil {
		t.Fatal(err)
	}
	fill(t, db, 7)
	assigned := giveUnsolved(t, db, agent.ID)
	if assigned < 4 {
		t.Fatalf("%d tickets are assigned, want 4 at least", assigned)
	}
	err = db.write(t.Context(), 0, func(x *txn) error {
		r := handBackRecord{All: true, Kind: string(store.ActorService), Account: "root"}
		err1 := x.putRecord(bHandBacks, u64(uint64(agent.ID)), &r)
		_, err2 := x.handBack(now, agent.ID, 1)
		return errors.Join(err1, err2)
	})
	if err != nil {
		t.Fatal(err)
	}
	left := func() (n uint64) {
		regions, _, err := db.AssignedTo(context.Background(), store.ByService(), agent.ID)
		if err != nil {
			t.Fatal(err)
		}
		for _, in := range regions {
			n += in
		}
		return n
	}
	if n := left(); n != assigned-1 {
		t.Fatalf("%d left after the first, want %d", n, assigned-1)
	}
	for want := int(assigned) - 1; want > 0; want -= 2 {
		n, err := db.Housekeep(t.Context(), now, 2)
		if err != nil || n != min(2, want) {
			t.Fatalf("housekeep handed %d back, %v; %d were left", n, err, want)
		}
	}
	if n, err := db.Housekeep(t.Context(), now, 2); n != 0 || err != nil || left() != 0 {
		t.Errorf("%d more, %v, %d left", n, err, left())
	}
	if err := db.Check(t.Context()); err != nil {
		t.Error(err)
	}
}

// giveUnsolved assigns every unsolved ticket to the agent and tells how many there are.
func giveUnsolved(t *testing.T, db *Store, to store.AgentID) (assigned uint64) {
	t.Helper()
	f := store.TicketFilter{View: store.ViewUnassigned}
	list, err := db.DeskTickets(t.Context(), store.ByService(), f, store.Page{Limit: 99})
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range list.Items {
		if _, err := db.AssignTicket(t.Context(), time.Now(), store.ByService(), row.Ticket.ID, to); err != nil {
			t.Fatal(err)
		}
		assigned++
	}
	return assigned
}
