package staff

import (
	"encoding/hex"
	"net/http"
	"time"

	"signpost/intake/web"
	"signpost/store"
)

// shownSession is a session as its agent reads it.
type shownSession struct {
	ID               string
	Browser, Network string
	Opened, Used     string // how long ago
	This             bool
}

// shownSessions bounds how many are listed one by one.
const shownSessions = 20

// sessionsFor lists the agent's sessions, that of this browser first; more is how many
// are not listed.
func (s *Staff) sessionsFor(
	x *web.Exchange, who store.Agent, now time.Time,
) (list []shownSession, more int, err error) {
	all, err := s.deps.Agents.Sessions(x.Request.Context(), now, ActorOf(x, who), who.ID)
	if err != nil {
		return nil, 0, err
	}
	here, _ := presented(x)
	var this []shownSession
	for _, o := range all {
		row := shownSession{
			ID: hex.EncodeToString(o.ID[:]), Browser: o.Browser, Network: o.Network, This: o.ID == here,
			Opened: agoWords(now.Sub(o.OpenedAt)), Used: agoWords(now.Sub(o.UsedAt)),
		}
		if row.Browser == "" {
			row.Browser = browserWords("")
		}
		if row.This {
			this = append(this, row)
		} else {
			list = append(list, row)
		}
	}
	if more = len(list) - shownSessions; more > 0 {
		list = list[:shownSessions]
	}
	return append(this, list...), max(more, 0), nil
}

// postSessionEnd ends one of the agent's own sessions.
func (s *Staff) postSessionEnd(x *web.Exchange, who store.Agent) error {
	if err := x.Request.ParseForm(); err != nil {
		return &web.Fault{Status: http.StatusBadRequest, Err: err}
	}
	var id store.SessionID
	if raw, err := hex.DecodeString(x.Request.PostForm.Get("id")); err == nil && len(raw) == len(id) {
		copy(id[:], raw)
	}
	if err := s.deps.Agents.EndSession(x.Request.Context(), time.Now(), ActorOf(x, who), id); err != nil {
		return err
	}
	if here, _ := presented(x); here == id {
		forget(x)
		return x.Redirect("/sign-in")
	}
	return x.Redirect("/account?done=session")
}

// postOtherSessionsEnd ends all of the agent's sessions but this one.
func (s *Staff) postOtherSessionsEnd(x *web.Exchange, who store.Agent) error {
	here, _ := presented(x)
	if _, err := s.deps.Agents.EndSessions(x.Request.Context(), time.Now(), ActorOf(x, who), who.ID, here); err != nil {
		return err
	}
	return x.Redirect("/account?done=sessions")
}
