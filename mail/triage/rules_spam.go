package triage

import (
	"strconv"
	"strings"
)

// spamRules: another judge found it to be junk. Answering junk writes to people
// who never wrote to us.
var spamRules = []rule{
	stop("junk", "found in the folder for junk", func(m *message) (string, bool) { return "junk folder", m.env.Junk }),
	stop("spam-mark", "X-Spam-Flag, X-Spam-Status, X-MS-Exchange-Organization-SCL and their kin", spamMark),
}

func spamMark(m *message) (string, bool) {
	for _, name := range []string{"X-Spam-Flag", "X-Spam-Status", "X-Spam", "X-Rspamd-Action", "X-Spamd-Result"} {
		if words, ok := m.valued(name, func(v string) bool {
			low := strings.ToLower(strings.TrimSpace(v))
			return strings.HasPrefix(low, "yes") || strings.HasPrefix(low, "true") || low == "reject" || low == "add header"
		}); ok {
			return words, true
		}
	}
	for _, name := range []string{"X-MS-Exchange-Organization-SCL", "X-SCL"} {
		if words, ok := m.valued(name, func(v string) bool {
			level, err := strconv.Atoi(keyword(v))
			return err == nil && level >= 5
		}); ok {
			return words, true
		}
	}
	return m.valued("X-Forefront-Antispam-Report", func(v string) bool {
		return containsAny(strings.ToUpper(v), "SFV:SPM", "CAT:SPM", "CAT:HSPM", "CAT:PHSH", "CAT:HPHISH", "CAT:MALW")
	})
}
