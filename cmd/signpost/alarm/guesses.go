package alarm

import (
	"fmt"
	"time"

	"signpost/intake/staff"
	"signpost/store"
)

// From how many failed sign-ins within an hour on guessing is told: of one account,
// of addresses without an account, and of codes after the right password. A person
// who mistypes has none of them.
const (
	guessesTold      = 50
	strayGuessesTold = 500
	codesTold        = 10
)

// guessTroubles tells of accounts whose passwords or codes are being guessed.
// Accounts are named by id, as in the log: alarms go by mail.
func (s *Subject) guessTroubles(now time.Time) []store.Trouble {
	if s.Guessed == nil {
		return nil
	}
	return guessTroubles(s.Guessed(now))
}

func guessTroubles(list []staff.Guessed) (troubles []store.Trouble) {
	for _, g := range list {
		from := fmt.Sprintf("%d sign-ins failed or were refused within an hour, from %d networks", g.Failed, g.Networks)
		switch {
		case g.Agent == 0 && g.Failed >= strayGuessesTold:
			troubles = append(troubles, store.Trouble{
				Key: "guessing", What: "addresses without an account are tried at the staff sign-in: " + from,
				Do: "No account is in danger by this. The log names the networks (\"sign-in refused\"); " +
					"a proxy in front can keep them out.",
				Level: level(g.Failed, strayGuessesTold, 10*strayGuessesTold),
			})
		case g.RightPassword >= codesTold:
			troubles = append(troubles, store.Trouble{
				Key: fmt.Sprintf("guessing-codes/%d", g.Agent),
				What: fmt.Sprintf("the codes of account %d are being guessed by a client that has its password: %d wrong codes; %s",
					g.Agent, g.RightPassword, from),
				Do: "Have the owner choose another password at /account, or do it with signpost agent add --update " +
					"(signpost agent list --json has the ids). " +
					"Guesses are slowed and the owner's own browsers are not.",
				Level: level(g.RightPassword, codesTold, 10*codesTold),
			})
		case g.Agent != 0 && g.Failed >= guessesTold:
			troubles = append(troubles, store.Trouble{
				Key:  fmt.Sprintf("guessing/%d", g.Agent),
				What: fmt.Sprintf("the password of account %d is being guessed: %s", g.Agent, from),
				Do: "Guesses are slowed, and the owner's own browsers are not. Does the account have two-step sign-in? " +
					"signpost agent list --json has the ids. " +
					"The log names the networks (\"sign-in refused\").",
				Level: level(g.Failed, guessesTold, 10*guessesTold, 100*guessesTold),
			})
		}
	}
	return troubles
}
