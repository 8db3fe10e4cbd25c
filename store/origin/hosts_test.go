package origin

import (
	"strings"
	"testing"
)

// TestTheHostsStandOnce, each with one set of habits.
func TestTheHostsStandOnce(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, group := range hostGroups() {
		for domain := range strings.FieldsSeq(group.domains) {
			if seen[domain] || domain != strings.ToLower(domain) || !IsPublicHost(domain) {
				t.Errorf("%s stands twice, or is none", domain)
			}
			seen[domain] = true
		}
	}
	if large := LargeHosts(); len(large) < 40 || large[0] != "gmail.com" || len(seen) < 140 {
		t.Errorf("%d hosts, of which %d are large", len(seen), len(large))
	}
}
