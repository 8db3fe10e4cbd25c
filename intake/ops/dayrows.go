package ops

import (
	"fmt"
	"time"

	"signpost/store"
)

// counting is one line of a day: what is counted, where its rows are, and from
// when on it is worth a look.
type counting struct {
	name string
	of   func(store.Tally) uint64
	link func(day days, mailbox string) string
	// tone of too many, when at least that many are more than twice the usual;
	// "" for what is good.
	tone  string
	least uint64
	// always is shown also when there is nothing to count or compare.
	always bool
}

func to(path string) func(days, string) string { return func(days, string) string { return path } }

// reports link to the reports of the day, whichever mailbox they came to.
func reports(mark string) func(days, string) string {
	return func(day days, _ string) string { return dayLink(day, mark, "", "") }
}

func came(mark string) func(days, string) string {
	return func(day days, mailbox string) string { return dayLink(day, mark, mailbox, "") }
}

func sentRows() []counting {
	return []counting{
		{"tickets opened", func(n store.Tally) uint64 { return n.Opened }, to(""), "", 0, true},
		{"mails sent", func(n store.Tally) uint64 { return n.Sent }, to(""), "", 0, true},
		{"delivered (by report)", func(n store.Tally) uint64 { return n.Delivered },
			reports(string(store.KindDelivered)), "", 0, false},
		{"delayed", func(n store.Tally) uint64 { return n.Delayed }, reports(string(store.KindDelay)), "amber", 5, false},
		{"bounced for good", func(n store.Tally) uint64 { return n.Dead },
			reports(string(store.KindBounce)), "red", 5, false},
		{"rejected by servers", func(n store.Tally) uint64 { return n.Refused }, to("/ops/bounces"), "red", 2, false},
		{"bounced for now", func(n store.Tally) uint64 { return n.Later },
			reports(string(store.KindBounce)), "amber", 5, false},
		{"failed", func(n store.Tally) uint64 { return n.Failed }, to("/ops/queue#failed"), "red", 2, false},
		{"suppressed", func(n store.Tally) uint64 { return n.Withheld }, to("/ops/bounces"), "amber", 10, false},
		{"complaints", func(n store.Tally) uint64 { return n.Complained },
			reports(string(store.KindComplaint)), "red", 1, false},
	}
}

func cameRows() []counting {
	return []counting{
		{"mails came in", func(n store.Tally) uint64 { return n.Came }, came(""), "", 0, true},
		{"strays answered", func(n store.Tally) uint64 { return n.Answered }, came(store.MarkAnswered), "", 0, true},
		{"silent for a reason", func(n store.Tally) uint64 { return n.Silent }, to("#why"), "", 0, true},
		{"unclear", func(n store.Tally) uint64 { return n.Unclear }, to("#why"), "amber", 3, false},
		{"not decided yet", undecided, came(string(store.InboundStored)), "amber", 10, false},
	}
}

func undecided(n store.Tally) uint64 {
	if known := n.Answered + n.Silent + n.Unclear; n.Came > known {
		return n.Came - known
	}
	return 0
}

// cardOf is a day in groups of lines; a line with nothing in it is only named.
func cardOf(name, mailbox string, day days, groups ...[]counting) dayCard {
	c := day.compare()
	card := dayCard{Name: name, When: day.date.Format("Monday 2 January"), Now: "All day", Word: "as usual"}
	zone := day.zone.String()
	switch {
	case !day.hasBegun():
		card.When += " has not begun in " + zone
	case day.over():
		card.When += ", " + zone
	default:
		card.When += " until " + day.now.In(day.zone).Format("15:04") + ", " + zone
		card.Now = "So far"
	}
	if begin := day.from().In(day.zone); begin.Minute() != 0 {
		card.Hint = "Counted by whole hours of UTC: here a day begins at " + begin.Format("15:04") + "."
	}
	if !c.hasUsual() {
		card.Tone, card.Word = "", "too early to compare"
	}
	for _, group := range groups {
		var rows []dayRow
		for _, r := range group {
			if !r.always && r.of(c.day)+r.of(c.weekAgo)+r.of(c.usual) == 0 {
				card.None = append(card.None, r.name)
				continue
			}
			row := r.row(c)
			if !row.Zero {
				row.Link = r.link(day, mailbox)
			}
			if row.Tone == "red" || row.Tone != "" && card.Tone != "red" {
				card.Tone, card.Word = row.Tone, "out of the ordinary"
			}
			rows = append(rows, row)
		}
		card.Groups = append(card.Groups, rows)
	}
	return card
}

func (r counting) row(c comparison) dayRow {
	n := r.of(c.day)
	row := dayRow{Name: r.name, Count: count(n), Zero: n == 0, Week: "–", Usual: "–"}
	if c.hasWeek() {
		row.Week = count(r.of(c.weekAgo))
	}
	if c.hasUsual() {
		row.Usual = count(r.of(c.usual))
	}
	row.Tone, row.Word = r.judge(n, c)
	return row
}

// A good count is judged from so many on: where a few are usual, chance alone
// doubles them or leaves none.
const (
	usualEnough = 10
	manyTimes   = 3
)

// judge says in a word what stands out against both the usual and a week ago; the
// word compares with the usual, which stands beside it.
func (r counting) judge(n uint64, c comparison) (tone, word string) {
	usual, weekAgo := r.of(c.usual), r.of(c.weekAgo)
	most := max(usual, weekAgo)
	switch {
	case r.tone != "" && n >= r.least && n > 2*most:
		return r.tone, times(n, usual)
	case r.tone != "" || !c.hasUsual():
		return "", ""
	case n >= usualEnough && n > manyTimes*most:
		return "amber", times(n, usual)
	case usual >= usualEnough && 2*n < min(usual, lesser(weekAgo, c)):
		return "amber", "less than half"
	}
	return "", ""
}

// lesser is the count of a week ago, where there is one: a Sunday is compared
// with a Sunday.
func lesser(weekAgo uint64, c comparison) uint64 {
	if !c.hasWeek() {
		return ^uint64(0)
	}
	return weekAgo
}

func times(n, usual uint64) string {
	if usual == 0 {
		return "unusual"
	}
	return fmt.Sprintf("%d times the usual", n/usual)
}

// zonesOf reads the regions' time zones.
func zonesOf(regions []store.Region) (map[string]*time.Location, error) {
	zones := map[string]*time.Location{}
	for _, r := range regions {
		zone, err := time.LoadLocation(r.Zone)
		if err != nil {
			return nil, fmt.Errorf("ops: region %s: %w", r.ID, err)
		}
		zones[r.ID] = zone
	}
	return zones, nil
}
