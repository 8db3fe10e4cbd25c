package sla

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"signpost/store"
)

// example is what every complaint about opening hours shows.
const example = "Mon-Fri 09:00-12:30,13:30-18:00; Sat 10:00-14:00"

// maxHours bounds the text Parse reads: seven days with a dozen intervals each
// need less.
const maxHours = 2000

// Week holds the opening hours of each day of a week, in wall-clock time. The
// zero Week is never open; Parse makes one.
type Week struct {
	days [7][]span // by time.Weekday, ascending, without overlap
}

// span is an interval of a day: seconds of the wall clock, [open, close).
type span struct{ open, close int64 }

// Empty tells whether the week has no opening at all.
func (w Week) Empty() bool {
	return !slices.ContainsFunc(w.days[:], func(day []span) bool { return len(day) > 0 })
}

// on is the hours of a date in days since 1970-01-01, which was a Thursday.
func (w Week) on(day int64) []span {
	return w.days[((day+int64(time.Thursday))%7+7)%7]
}

// String writes the week so that Parse reads the same: one part a day, Monday
// first.
func (w Week) String() string {
	var parts []string
	for i := range 7 {
		day := time.Weekday((i + 1) % 7)
		if len(w.days[day]) == 0 {
			continue
		}
		var times []string
		for _, s := range w.days[day] {
			times = append(times, clock(s.open)+"-"+clock(s.close))
		}
		parts = append(parts, day.String()[:3]+" "+strings.Join(times, ","))
	}
	return strings.Join(parts, "; ")
}

func clock(sec int64) string { return fmt.Sprintf("%02d:%02d", sec/3600, sec/60%60) }

// Parse reads opening hours: parts separated by ";", each some days and the
// intervals of each of them.
//
//	Mon-Fri 09:00-12:30,13:30-18:00; Sat 10:00-14:00
//	Mon-Sun 00:00-24:00
//	Sat-Mon 10:00-16:00          (Saturday, Sunday, Monday)
//	Mon,Wed,Fri 08:00-12:00
//
// Day names are English, short or whole, in any case; 24:00 closes a day. A day
// may be named in several parts as long as its intervals do not overlap. An
// interval ends on the day it begins: a night is two. The error is
// store.ErrInvalid, and names the faulty piece and how to write it.
func Parse(open string) (Week, error) {
	if len(open) > maxHours {
		return Week{}, fmt.Errorf("opening hours are longer than %d characters: %w", maxHours, store.ErrInvalid)
	}
	var w Week
	for part := range strings.SplitSeq(open, ";") {
		if part = strings.TrimSpace(part); part == "" {
			continue // a ";" too many at the end is no reason to refuse
		}
		if err := w.add(part); err != nil {
			return Week{}, fmt.Errorf("opening hours: %w: %w", err, store.ErrInvalid)
		}
	}
	if w.Empty() {
		return Week{}, fmt.Errorf("opening hours are empty; write them like %q: %w", example, store.ErrInvalid)
	}
	return w, nil
}

// add reads one part into the week.
func (w *Week) add(part string) error {
	fields := strings.Fields(part)
	if len(fields) < 2 {
		return fmt.Errorf("%q needs days and times; write it like %q", part, "Mon-Fri 09:00-18:00")
	}
	days, err := parseDays(fields[0])
	if err != nil {
		return err
	}
	for piece := range strings.SplitSeq(strings.Join(fields[1:], ""), ",") {
		s, err := parseSpan(piece)
		if err != nil {
			return err
		}
		for _, day := range days {
			if err := w.insert(day, s); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *Week) insert(day time.Weekday, s span) error {
	at, _ := slices.BinarySearchFunc(w.days[day], s, func(a, b span) int { return cmp.Compare(a.open, b.open) })
	for _, near := range w.days[day][max(at-1, 0):min(at+1, len(w.days[day]))] {
		if s.open < near.close && near.open < s.close {
			return fmt.Errorf("%s %s overlaps %s of the same day; join them into one interval", day, s, near)
		}
	}
	w.days[day] = slices.Insert(w.days[day], at, s)
	return nil
}

func (s span) String() string { return clock(s.open) + "-" + clock(s.close) }

// parseDays reads "Mon", "Mon-Fri", "Sat-Mon" or several of them with commas.
func parseDays(text string) ([]time.Weekday, error) {
	var days []time.Weekday
	for piece := range strings.SplitSeq(text, ",") {
		first, last, ranged := strings.Cut(piece, "-")
		a, ok := parseDay(first)
		b := a
		if ranged && ok {
			b, ok = parseDay(last)
		}
		if !ok {
			return nil, fmt.Errorf("%q names no days; write them like \"Mon\", \"Mon-Fri\" or \"Mon,Wed\"", piece)
		}
		for ; ; a = (a + 1) % 7 {
			if !slices.Contains(days, a) {
				days = append(days, a)
			}
			if a == b {
				break
			}
		}
	}
	return days, nil
}

func parseDay(name string) (time.Weekday, bool) {
	for day := time.Sunday; day <= time.Saturday; day++ {
		if strings.EqualFold(name, day.String()) || strings.EqualFold(name, day.String()[:3]) {
			return day, true
		}
	}
	return 0, false
}

func parseSpan(piece string) (span, error) {
	from, to, ok := strings.Cut(piece, "-")
	open, ok1 := parseClock(from)
	end, ok2 := parseClock(to)
	switch {
	case !ok || !ok1 || !ok2:
		return span{}, fmt.Errorf("%q is no interval; write it like \"09:00-18:00\", from 00:00 to 24:00", piece)
	case end == open:
		return span{}, fmt.Errorf("%q ends when it begins; a whole day is \"00:00-24:00\"", piece)
	case end < open:
		return span{}, fmt.Errorf("%q ends before it begins; write a night as two intervals, "+
			"like \"Mon 22:00-24:00; Tue 00:00-06:00\"", piece)
	}
	return span{open, end}, nil
}

// parseClock reads "09:00" or "9:00" up to "24:00" into seconds.
func parseClock(text string) (int64, bool) {
	hh, mm, ok := strings.Cut(text, ":")
	if !ok || len(hh) < 1 || len(hh) > 2 || len(mm) != 2 {
		return 0, false
	}
	h, err1 := strconv.ParseUint(hh, 10, 8)
	m, err2 := strconv.ParseUint(mm, 10, 8)
	if err1 != nil || err2 != nil || m > 59 || h*60+m > 24*60 {
		return 0, false
	}
	return int64(h*3600 + m*60), true
}
