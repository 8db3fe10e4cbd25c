package staff

import (
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"signpost/store"
)

// Agents change their profile without a password, and stay signed in.
func TestAnAgentHasAProfile(t *testing.T) {
	t.Parallel()
	h := open(t)
	b := h.browser()
	b.signIn(ana, password, "")
	form := b.get("/account").Body.String()
	if !strings.Contains(form, `name="undo" type="number" min="5" max="30" value="10"`) ||
		!strings.Contains(form, `<option value="next" selected>Open the next ticket`) {
		t.Errorf("the form begins with %s", form)
	}
	w := b.do("POST", "/account/profile", url.Values{
		"name": {" Ana \r\n Silva "}, "zone": {"Asia/Jakarta"}, "undo": {"30"}, "after": {"stay"},
		"signature-other": {"Ana\r\nSupport"}, "signature-ar": {"آنا"}, "signature-es": {"  "},
	})
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/account?done=profile" {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	got, err := h.db.Agent(t.Context(), h.agent.ID)
	if err != nil {
		t.Fatal(err)
	}
	want := store.Profile{DisplayName: "Ana Silva", Zone: "Asia/Jakarta", Undo: 30 * time.Second,
		AfterSend: store.AfterSendStay, KeysOff: true, ClaimOff: true,
		Signatures: map[string]string{"": "Ana\nSupport", "ar": "آنا"}}
	if !reflect.DeepEqual(got.Profile, want) {
		t.Errorf("the profile is %+v, want %+v", got.Profile, want)
	}
	page := b.get("/account?done=profile").Body.String()
	for _, part := range []string{"Your profile is saved.", `value="Ana Silva"`, `<option value="stay" selected>`,
		`lang="ar" dir="rtl">آنا</textarea>`, `name="keys" value="1">`, `name="claim" value="1">`} {
		if !strings.Contains(page, part) {
			t.Errorf("the page lacks %s", part)
		}
	}
	b.isIn()
}

func TestABrokenProfileIsRefusedInWords(t *testing.T) {
	t.Parallel()
	h := open(t)
	b := h.browser()
	b.signIn(ana, password, "")
	for words, change := range map[string]url.Values{
		"Choose 5 to 30 seconds":    {"undo": {"31"}},
		"Write the time zone as in": {"zone": {"Mars/Base"}},
		"Choose a shorter name":     {"name": {strings.Repeat("x", store.MaxDisplayName+1)}},
		"Choose what follows":       {"after": {"home"}},
		"choose a shorter one":      {"signature-es": {strings.Repeat("x", store.MaxSignature+1)}},
	} {
		form := url.Values{"name": {"Kept as typed"}, "undo": {"10"}, "after": {"next"}}
		for field, value := range change {
			form[field] = value
		}
		w := b.do("POST", "/account/profile", form)
		if w.Code != http.StatusUnprocessableEntity || !strings.Contains(w.Body.String(), words) {
			t.Errorf("%d, without %q", w.Code, words)
		}
		if change["name"] == nil && !strings.Contains(w.Body.String(), `value="Kept as typed"`) {
			t.Errorf("%q: what was typed is lost", words)
		}
	}
	got, err := h.db.Agent(t.Context(), h.agent.ID)
	h.agent.SignedInAt = got.SignedInAt
	if err != nil || !reflect.DeepEqual(got, h.agent) {
		t.Errorf("the agent is %+v, %v", got, err)
	}
}
