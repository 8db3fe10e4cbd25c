package alarm

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"signpost/cmd/signpost/config"
	"signpost/store"
)

// tokenTroubles tells of accounts that get no token, and of what ends soon.
func (s *Subject) tokenTroubles(now time.Time) (list []store.Trouble) {
	ends := func(id, what string, at time.Time) store.Trouble {
		return store.Trouble{
			Key: what + "-ends/" + id, What: fmt.Sprintf("the %s of oauth.%s ends on %s",
				map[string]string{"token": "refresh token", "secret": "client secret"}[what], id, at.Format(time.DateOnly)),
			Do: "Get a new one from the provider and put it in the place of the old; without it the mailboxes of this " +
				"account cannot be read, and its mail not sent.",
			Level: 1 + level(config.EndsSoon-at.Sub(now), config.EndsSoon-3*24*time.Hour, config.EndsSoon),
		}
	}
	for _, id := range slices.Sorted(maps.Keys(s.Accounts)) {
		status := s.Accounts[id].Status()
		if status.Err != nil {
			list = append(list, store.Trouble{
				Key: "token/" + id, What: fmt.Sprintf("no new access token for oauth.%s: %v", id, status.Err), Level: 1,
				Do: "The words are the provider's: has the app's consent been withdrawn, its secret ended? signpost check " +
					"asks for a token.",
			})
		}
		if until := status.RefreshUntil; !until.IsZero() && until.Sub(now) < config.EndsSoon {
			list = append(list, ends(id, "token", until))
		}
		if day, ok := s.Config.OAuth[id].SecretEnds(); ok && day.Sub(now) < config.EndsSoon {
			list = append(list, ends(id, "secret", day))
		}
	}
	return list
}
