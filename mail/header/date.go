package header

import (
	"strconv"
	"strings"
	"time"

	"signpost/store/text"
)

// Date reads a Date field (RFC 5322 section 3.3, with the older forms of
// 4.3): day, month, year, time and zone in that order, whatever stands around
// them. What no calendar or clock shows is no date: with it a mail could be made as old or
// as new as its author likes. A zone of letters that the RFC does not know counts as UTC.
// The time is in the zone that the field names, so that its day is the one that was written.
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
	clock, isClock := clockOf(word[3])
	offset, isZone := offsetOf(word[4])
	zone := time.UTC
	if offset != 0 {
		zone = time.FixedZone("", int(offset.Seconds()))
	}
	date := time.Date(year, month, day, 0, 0, 0, 0, zone)
	if !isClock || !isZone || date.Day() != day {
		return time.Time{}, false
	}
	return date.Add(clock), true
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

// clockOf reads hh:mm or hh:mm:ss; ss may be 60, a leap second.
func clockOf(word string) (total time.Duration, ok bool) {
	for _, unit := range []struct {
		length time.Duration
		most   uint64
	}{{time.Hour, 23}, {time.Minute, 59}, {time.Second, 60}} {
		var part string
		part, word, _ = strings.Cut(word, ":")
		if part == "" && unit.length == time.Second {
			return total, true
		}
		n, err := strconv.ParseUint(part, 10, 8)
		if err != nil || n > unit.most {
			return 0, false
		}
		total += time.Duration(n) * unit.length
	}
	return total, true
}

// offsetOf reads +hhmm, at most the 14 hours that are in use, and the zones of North
// America (RFC 5322 section 4.3); other letters, and nothing, are UTC.
func offsetOf(word string) (offset time.Duration, ok bool) {
	if len(word) == 0 || word[0] != '+' && word[0] != '-' {
		return americanZone(word), true
	}
	n, err := strconv.ParseUint(word[1:], 10, 16)
	if err != nil || len(word) != 5 || n > 1400 || n%100 > 59 {
		return 0, false
	}
	offset = time.Duration(n/100)*time.Hour + time.Duration(n%100)*time.Minute
	if word[0] == '-' {
		return -offset, true
	}
	return offset, true
}

// americanZone is the offset of EST, EDT, CST, CDT, MST, MDT, PST and PDT; else 0.
func americanZone(word string) time.Duration {
	word = strings.ToUpper(word)
	if len(word) != 3 || word[2] != 'T' || word[1] != 'S' && word[1] != 'D' {
		return 0
	}
	hours := strings.IndexByte("ECMP", word[0]) + 5
	if hours < 5 {
		return 0
	}
	if word[1] == 'D' {
		hours--
	}
	return -time.Duration(hours) * time.Hour
}
