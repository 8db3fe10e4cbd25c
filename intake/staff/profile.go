package staff

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"signpost/intake/web"
	"signpost/store"
	"signpost/store/text"
)

// profileForm is the profile as its form shows it.
type profileForm struct {
	Name, Zone, Undo string
	AfterSend        []choice
	Keys             bool
	Claim            bool // the first key of a reply takes an unassigned ticket
	Signatures       []signature
	MinUndo, MaxUndo int // seconds
}

type choice struct {
	Value, Words string
	Chosen       bool
}

// signature is what stands below a reply to a reader of a language; Tag "" is every
// other one.
type signature struct {
	Tag, Lang, Dir, Text string
}

// ID names its field.
func (s signature) ID() string { return "signature-" + cmp.Or(s.Tag, "other") }

func afterSendWords(a store.AfterSend) string {
	switch a {
	case store.AfterSendStay:
		return "Stay on the ticket"
	case store.AfterSendList:
		return "Go back to the list"
	}
	return "Open the next ticket"
}

func (s *Staff) profileForm(p store.Profile) profileForm {
	f := profileForm{
		Name: p.DisplayName, Zone: p.Zone, Undo: strconv.Itoa(int(p.UndoFor() / time.Second)),
		Keys: !p.KeysOff, Claim: !p.ClaimOff,
		MinUndo: int(store.MinUndo / time.Second), MaxUndo: int(store.MaxUndo / time.Second),
		Signatures: []signature{{Tag: "", Lang: "Every other language", Dir: "auto", Text: p.Signatures[""]}},
	}
	for _, a := range store.AfterSends() {
		chosen := a == cmp.Or(p.AfterSend, store.AfterSendNext)
		f.AfterSend = append(f.AfterSend, choice{string(a), afterSendWords(a), chosen})
	}
	for _, l := range s.langs {
		f.Signatures = append(f.Signatures, signature{l.Tag(), l.Name(), l.Dir(), p.Signatures[l.Tag()]})
	}
	return f
}

// postProfile changes how the agent works and what partners read of them. It asks for no
// password: nothing in it opens anything.
func (s *Staff) postProfile(x *web.Exchange, who store.Agent) error {
	if err := x.Request.ParseForm(); err != nil {
		return &web.Fault{Status: http.StatusBadRequest, Err: err}
	}
	p, fault := s.readProfile(x.Request.PostForm)
	if fault != "" {
		who.Profile = p // the form keeps what was typed
		d := accountData{FaultOf: "profile", Fault: fault}
		return s.accountPage(x, http.StatusUnprocessableEntity, who, d, newSecret())
	}
	_, err := s.deps.Agents.ChangeAgent(x.Request.Context(), time.Now(), ActorOf(x, who), who.ID,
		store.AgentChange{Profile: &p})
	if err != nil {
		return err
	}
	x.Log.Info("account changed", "request", x.ID, "agent", who.ID, "change", "profile")
	return x.Redirect("/account?done=profile")
}

// readProfile reads the form, and says in words what is wrong with it.
func (s *Staff) readProfile(f url.Values) (p store.Profile, fault string) {
	p = store.Profile{
		DisplayName: oneLine(f.Get("name")), Zone: oneLine(f.Get("zone")), AfterSend: store.AfterSend(f.Get("after")),
		KeysOff: f.Get("keys") == "", ClaimOff: f.Get("claim") == "", Signatures: map[string]string{},
	}
	for _, l := range append(s.tags(), "") {
		typed := strings.ReplaceAll(f.Get(signature{Tag: l}.ID()), "\r\n", "\n")
		if words := strings.TrimSpace(text.Valid(typed)); words != "" {
			p.Signatures[l] = words
		}
	}
	seconds, err := strconv.Atoi(strings.TrimSpace(f.Get("undo")))
	p.Undo = time.Duration(seconds) * time.Second
	if err != nil || p.Undo < store.MinUndo || p.Undo > store.MaxUndo {
		p.Undo = 0
		return p, fmt.Sprintf("Choose %d to %d seconds to take a reply back.", store.MinUndo/time.Second,
			store.MaxUndo/time.Second)
	}
	if _, err := time.LoadLocation(p.Zone); err != nil || p.Zone == "Local" {
		return p, "Write the time zone as in Asia/Jakarta or America/New_York, or leave it empty."
	}
	return p, profileFault(p)
}

// profileFault says what the store would refuse.
func profileFault(p store.Profile) string {
	switch {
	case p.Validate() == nil:
		return ""
	case len(p.DisplayName) > store.MaxDisplayName:
		return "Choose a shorter name."
	case p.AfterSend != "" && !slices.Contains(store.AfterSends(), p.AfterSend):
		return "Choose what follows a reply."
	}
	for _, words := range p.Signatures {
		if len(words) > store.MaxSignature {
			return fmt.Sprintf("A signature has %d characters; choose a shorter one.", utf8.RuneCountInString(words))
		}
	}
	return "Something in the profile is too long."
}

func (s *Staff) tags() (tags []string) {
	for _, l := range s.langs {
		tags = append(tags, l.Tag())
	}
	return tags
}

// oneLine is a typed text without line breaks or other space in a row.
func oneLine(typed string) string { return strings.Join(strings.Fields(text.Valid(typed)), " ") }
