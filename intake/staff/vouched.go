package staff

import (
	"context"

	"signpost/intake/web"
	"signpost/store"
)

// vouched says who makes a request that came by another way than a browser.
type vouched struct{ email, place string }

type vouchedKey struct{}

// Vouch lets a request in as the agent with that address, without a session: for what the
// program asks of its own pages. place stands in the audit log where the network of others
// does. A disabled agent is not let in.
func Vouch(ctx context.Context, email, place string) context.Context {
	return context.WithValue(ctx, vouchedKey{}, vouched{email, place})
}

// vouchedFor is the agent whom the program vouches for; ok: there is one.
func (s *Staff) vouchedFor(x *web.Exchange) (who store.Agent, ok bool, err error) {
	v, ok := x.Request.Context().Value(vouchedKey{}).(vouched)
	if !ok {
		return who, false, nil
	}
	who, err = s.deps.Agents.AgentByEmail(x.Request.Context(), v.email)
	if err == nil && who.Disabled {
		err = store.ErrNotFound
	}
	return who, true, err
}
