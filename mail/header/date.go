package header

import (
	"strconv"
	"strings"
	"time"

	"signpost/store/text"
)

// Date reads a Date field (RFC 5322 section 3.3, with the older forms of
// 4.3): day, month, year, time and zone in that order, whatever stands around
// them. A zone that is no offset counts as UTC; a rule on days does not mind.
func Date(value string) (time.Time, bool) {
	if day, rest, ok := strings.Cut(value, ","); ok && len(day) < 20 {
		value = rest
	}
	var word [5]string
	for i := range word {
		value = strings.TrimLeft(value, " \t")
		word[i], value, _ = text.CutAny(value, " \t")
	}
	day, err1 := strconv.Atoi(word[0])
	year, err2 := strconv.Atoi(word[2])
	month := monthOf(word[1])
	if err1 != nil || err2 != nil || month == 0 || day < 1 || day > 31 || year < 0 || year > 9999 {
		return time.Time{}, false
	}
	switch { // RFC 5322 section 4.3
	case year < 50:
		year += 2000
	case year < 1000:
		year += 1900
	}
	clock, ok := clockOf(word[3])
	if !ok {
		return time.Time{}, false
	}
	date := time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Add(clock)
	return date.Add(-offsetOf(word[4])), true
}

const monthNames = "janfebmaraprmayjunjulaugsepoctnovdec"

func monthOf(word string) time.Month {
	if len(word) < 3 {
		return 0
	}
	i := strings.Index(monthNames, strings.ToLower(word[:3]))
	if i < 0 || i%3 != 0 {
		return 0
	}
	return time.Month(i/3 + 1)
}

// clockOf reads hh:mm or hh:mm:ss.
func clockOf(word string) (time.Duration, bool) {
	var total time.Duration
	for _, unit := range []time.Duration{time.Hour, time.Minute, time.Second} {
		var part string
		part, word, _ = strings.Cut(word, ":")
		n, err := strconv.Atoi(part)
		if err != nil || n < 0 || n > 60 {
			return 0, unit == time.Second && part == ""
		}
		total += time.Duration(n) * unit
		if word == "" && unit == time.Minute {
			break
		}
	}
	return total, true
}

// offsetOf reads +hhmm.
func offsetOf(word string) time.Duration {
	if len(word) != 5 || word[0] != '+' && word[0] != '-' {
		return 0
	}
	n, err := strconv.Atoi(word[1:])
	if err != nil {
		return 0
	}
	offset := time.Duration(n/100)*time.Hour + time.Duration(n%100)*time.Minute
	if word[0] == '-' {
		return -offset
	}
	return offset
}
