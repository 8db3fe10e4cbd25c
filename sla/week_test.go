package sla_test

import (
	"errors"
	"strings"
	"testing"

	"signpost/sla"
	"signpost/store"
)

func TestOpeningHoursAreRead(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		office: "Mon 09:00-12:30,13:30-18:00; Tue 09:00-12:30,13:30-18:00; Wed 09:00-12:30,13:30-18:00; " +
			"Thu 09:00-12:30,13:30-18:00; Fri 09:00-12:30,13:30-18:00; Sat 10:00-14:00",
		"Sat-Mon 10:00-16:00":                  "Mon 10:00-16:00; Sat 10:00-16:00; Sun 10:00-16:00",
		"mon,WEDNESDAY 8:00-12:00":             "Mon 08:00-12:00; Wed 08:00-12:00",
		" Fri 16:00-24:00 ;":                   "Fri 16:00-24:00",
		"Mon 13:00 - 14:00 , 09:00-12:00":      "Mon 09:00-12:00,13:00-14:00",
		"Mon-Tue 09:00-12:00; Tue 12:00-13:00": "Mon 09:00-12:00; Tue 09:00-12:00,12:00-13:00",
		"Mon 12:00-13:00,09:00-12:00":          "Mon 09:00-12:00,12:00-13:00",
		"Sun-Sun 00:00-24:00":                  "Sun 00:00-24:00",
		"Mon 22:00-24:00; Tue 00:00-06:00":     "Mon 22:00-24:00; Tue 00:00-06:00",
		"Tue-Mon 00:00-00:01;\tMon 23:59-24:00;; ": "Mon 00:00-00:01,23:59-24:00; Tue 00:00-00:01; Wed 00:00-00:01; " +
			"Thu 00:00-00:01; Fri 00:00-00:01; Sat 00:00-00:01; Sun 00:00-00:01",
	} {
		week, err := sla.Parse(text)
		if err != nil || week.String() != want {
			t.Errorf("%q: %q, %v; want %q", text, week, err, want)
		}
	}
}

func TestFaultyOpeningHoursAreRefusedWithAHint(t *testing.T) {
	t.Parallel()
	for text, says := range map[string]string{
		"":                                    `empty; write them like "Mon-Fri 09:00-12:30`,
		";;":                                  "empty",
		"Mon":                                 `"Mon" needs days and times`,
		"09:00-18:00":                         `"09:00-18:00" needs days and times; write it like "Mon-Fri 09:00-18:00"`,
		"Mon-Fry 09:00-18:00":                 `"Mon-Fry" names no days; write them like "Mon"`,
		"Montag 09:00-18:00":                  `"Montag" names no days`,
		"Mon, 09:00-18:00":                    `"" names no days`,
		"Mon 09:00-18:00,":                    `"" is no interval`,
		"Mon 09:00":                           `"09:00" is no interval`,
		"Mon 9-18":                            `"9-18" is no interval; write it like "09:00-18:00"`,
		"Mon 09:00-25:00":                     `"09:00-25:00" is no interval`,
		"Mon 09:00-24:01":                     "from 00:00 to 24:00",
		"Mon 09:60-18:00":                     `"09:60-18:00" is no interval`,
		"Mon x:00-18:00":                      `"x:00-18:00" is no interval`,
		"Mon 09:x0-18:00":                     `"09:x0-18:00" is no interval`,
		"Mon -9:00-18:00":                     "is no interval",
		"Mon 09:00-18:00-19:00":               "is no interval",
		"Mon 24:00-24:00":                     "ends when it begins",
		"Mon 00:00-00:00":                     `a whole day is "00:00-24:00"`,
		"Mon 22:00-06:00":                     `write a night as two intervals, like "Mon 22:00-24:00; Tue 00:00-06:00"`,
		"Mon 09:00-12:00,11:00-13:00":         "Monday 11:00-13:00 overlaps 09:00-12:00",
		"Mon 11:00-13:00,09:00-12:00":         "Monday 09:00-12:00 overlaps 11:00-13:00",
		"Mon-Fri 09:00-18:00; Tue 0:00-24:00": "Tuesday 00:00-24:00 overlaps 09:00-18:00",
		strings.Repeat(";", 3000):             "longer than 2000 characters",
	} {
		_, err := sla.Parse(text)
		if !errors.Is(err, store.ErrInvalid) || !strings.Contains(err.Error(), says) {
			t.Errorf("%.60q: error %v, want %q", text, err, says)
		}
	}
}

// Whatever is accepted means the same when written out and read again, and
// nothing makes Parse panic.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		office, "Mon-Sun 00:00-24:00", "Sat-Mon 10:00-16:00", "mon,wed 8:00-9:00,10:00-11:00;", "Mon 22:00-06:00",
		"Fri", "-", ";", "Mon 09:00-12:00,11:00-13:00",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		week, err := sla.Parse(text)
		if err != nil {
			return
		}
		again, err := sla.Parse(week.String())
		if err != nil && len(week.String()) <= 2000 || err == nil && again.String() != week.String() {
			t.Errorf("%q is %q, which is read as %q, %v", text, week, again, err)
		}
	})
}
