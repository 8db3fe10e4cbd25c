package verbs

import "signpost/store"

// changeRecord is a store.Change, as entries keep it.
type changeRecord struct {
	StatusFrom   string   `cbor:"1,keyasint,omitempty"`
	StatusTo     string   `cbor:"2,keyasint,omitempty"`
	AssigneeFrom uint64   `cbor:"3,keyasint,omitempty"`
	AssigneeTo   uint64   `cbor:"4,keyasint,omitempty"`
	PriorityFrom string   `cbor:"5,keyasint,omitempty"`
	PriorityTo   string   `cbor:"6,keyasint,omitempty"`
	CategoryFrom string   `cbor:"7,keyasint,omitempty"`
	CategoryTo   string   `cbor:"8,keyasint,omitempty"`
	TagsAdded    []string `cbor:"9,keyasint,omitempty"`
	TagsRemoved  []string `cbor:"10,keyasint,omitempty"`
	ScoreFrom    int      `cbor:"11,keyasint,omitempty"`
	ScoreTo      int      `cbor:"12,keyasint,omitempty"`
	UpdateFrom   int64    `cbor:"13,keyasint,omitempty"`
	UpdateTo     int64    `cbor:"14,keyasint,omitempty"`
}

// keptPriority is a priority as a row keeps it: most tickets have the one that is "".
func keptPriority(p store.Priority) string {
	if p == store.PriorityNormal {
		return ""
	}
	return string(p)
}

func readPriority(kept string) store.Priority {
	if kept == "" {
		return store.PriorityNormal
	}
	return store.Priority(kept)
}

func newChangeRecord(c store.Change) *changeRecord {
	r := changeRecord{
		string(c.StatusFrom), string(c.StatusTo), uint64(c.AssigneeFrom), uint64(c.AssigneeTo),
		string(c.PriorityFrom), string(c.PriorityTo), c.CategoryFrom, c.CategoryTo, c.TagsAdded, c.TagsRemoved,
		c.ScoreFrom, c.ScoreTo, micros(c.UpdateFrom), micros(c.UpdateTo),
	}
	same := r.StatusFrom == r.StatusTo && r.AssigneeFrom == r.AssigneeTo && r.PriorityFrom == r.PriorityTo &&
		r.CategoryFrom == r.CategoryTo && len(r.TagsAdded) == 0 && len(r.TagsRemoved) == 0 &&
		r.ScoreFrom == r.ScoreTo && r.UpdateFrom == r.UpdateTo
	if same && r.StatusTo == "" {
		return nil
	}
	return &r
}

func (r *changeRecord) change() store.Change {
	if r == nil {
		return store.Change{}
	}
	return store.Change{
		StatusFrom: store.Status(r.StatusFrom), StatusTo: store.Status(r.StatusTo),
		AssigneeFrom: store.AgentID(r.AssigneeFrom), AssigneeTo: store.AgentID(r.AssigneeTo),
		PriorityFrom: store.Priority(r.PriorityFrom), PriorityTo: store.Priority(r.PriorityTo),
		CategoryFrom: r.CategoryFrom, CategoryTo: r.CategoryTo, TagsAdded: r.TagsAdded, TagsRemoved: r.TagsRemoved,
		ScoreFrom: r.ScoreFrom, ScoreTo: r.ScoreTo, UpdateFrom: instant(r.UpdateFrom), UpdateTo: instant(r.UpdateTo),
	}
}
