package staff

import (
	"strconv"
	"strings"
	"time"
)

// Names that a User-Agent field holds, in the order in which they are looked for: most
// browsers also name those that they want to be taken for.
var (
	browserNames = []struct{ sign, name string }{
		{"Edg/", "Edge"}, {"EdgA/", "Edge"}, {"OPR/", "Opera"}, {"Vivaldi/", "Vivaldi"},
		{"SamsungBrowser/", "Samsung Internet"}, {"FxiOS/", "Firefox"}, {"Firefox/", "Firefox"}, {"CriOS/", "Chrome"},
		{"Chrome/", "Chrome"}, {"Safari/", "Safari"},
	}
	systemNames = []struct{ sign, name string }{
		{"iPhone", "iPhone"}, {"iPad", "iPad"}, {"Android", "Android"}, {"CrOS", "ChromeOS"}, {"Windows", "Windows"},
		{"Mac OS X", "Mac"}, {"Macintosh", "Mac"}, {"Linux", "Linux"},
	}
)

// browserWords tells a browser and its system in plain words, as far as its User-Agent
// field says: what its owner knows it by, and no proof of anything.
func browserWords(userAgent string) string {
	find := func(names []struct{ sign, name string }) string {
		for _, n := range names {
			if strings.Contains(userAgent, n.sign) {
				return n.name
			}
		}
		return ""
	}
	browser, system := find(browserNames), find(systemNames)
	switch {
	case browser == "" && system == "":
		return "an unknown browser"
	case browser == "":
		return "a browser on " + system
	case system == "":
		return browser
	}
	return browser + " on " + system
}

// agoWords is how long ago something was, rounded down.
func agoWords(age time.Duration) string {
	count := func(n int, unit string) string {
		if n == 1 {
			return "1 " + unit + " ago"
		}
		return strconv.Itoa(n) + " " + unit + "s ago"
	}
	switch {
	case age < time.Minute:
		return "just now"
	case age < time.Hour:
		return count(int(age/time.Minute), "minute")
	case age < day:
		return count(int(age/time.Hour), "hour")
	}
	return count(int(age/day), "day")
}
