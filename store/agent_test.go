package store_test

import (
	"testing"

	"signpost/store"
)

// Partners read who wrote to them: the agent's own signature, else their name.
func TestAReplyIsSigned(t *testing.T) {
	t.Parallel()
	plain := store.Agent{Name: "Lee Agent"}
	named := store.Agent{Name: "Lee Agent", Profile: store.Profile{DisplayName: "Lee"}}
	own := store.Agent{Name: "Lee Agent", Profile: store.Profile{Signatures: map[string]string{
		"es": "Un saludo, Lee", "zh": "李", "": "Lee, Partner Support",
	}}}
	for _, c := range []struct {
		agent      store.Agent
		lang, want string
	}{
		{plain, "en", "Lee Agent"}, {named, "en", "Lee"}, {own, "es", "Un saludo, Lee"}, {own, "zh-Hans", "李"},
		{own, "ar", "Lee, Partner Support"},
	} {
		if got := c.agent.Signature(c.lang); got != c.want {
			t.Errorf("to a reader of %s, %q signs %q, want %q", c.lang, c.agent.Name, got, c.want)
		}
	}
}
