package staff

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"signpost/store"
)

// challengeLasts is how long a browser has to answer a challenge.
const challengeLasts = 5 * time.Minute

// What a ceremony is signed for.
const (
	ceremonySignIn = "passkey sign-in"
	ceremonyAdd    = "passkey added"
)

// relying is the party that passkeys are made for (WebAuthn section 4): the host of the
// site. A ceremony's state is with the browser, signed by us, so that asking for a
// challenge costs the store nothing; the store remembers those that were answered.
type relying struct {
	party *webauthn.WebAuthn // nil where no passkey can be
	ring  signer
}

type signer interface {
	Sign(purpose string, payload []byte) string
	Verify(purpose, token string) ([]byte, bool)
}

// newRelying returns a party without passkeys for a host that can have none.
func newRelying(c Config, ring signer) (relying, error) {
	host, origin := partyOf(c.BaseURL)
	if host == "" {
		return relying{ring: ring}, nil
	}
	timeout := webauthn.TimeoutConfig{Enforce: true, Timeout: challengeLasts, TimeoutUVD: challengeLasts}
	party, err := webauthn.New(&webauthn.Config{
		RPID: host, RPDisplayName: c.Issuer, RPOrigins: []string{origin},
		AttestationPreference: protocol.PreferNoAttestation,
		AuthenticatorSelection: protocol.AuthenticatorSelection{
			ResidentKey: protocol.ResidentKeyRequirementRequired, RequireResidentKey: protocol.ResidentKeyRequired(),
			UserVerification: protocol.VerificationRequired,
		},
		Timeouts: webauthn.TimeoutsConfig{Login: timeout, Registration: timeout},
		// An extension that we did not ask for says nothing that we read.
		ExtensionsUnsolicitedOutputPolicy: protocol.UnsolicitedOutputPolicyIgnore,
	})
	if err != nil {
		return relying{}, fmt.Errorf("staff: passkeys for %s: %w", host, err)
	}
	return relying{party, ring}, nil
}

// partyOf is the host that passkeys belong to, and the origin that they are used at.
func partyOf(base string) (host, origin string) {
	u, err := url.Parse(base)
	if err != nil || u.Hostname() == "" {
		return "", ""
	}
	host = u.Hostname()
	if ip, err := netip.ParseAddr(host); err == nil {
		if !ip.IsLoopback() {
			return "", ""
		}
		host = "localhost" // an address is no domain (section 5.1.3 step 7)
		if u.Host = host; u.Port() == "" {
			if other, err := url.Parse(base); err == nil && other.Port() != "" {
				u.Host = net.JoinHostPort(host, other.Port())
			}
		}
	}
	return host, u.Scheme + "://" + u.Host
}

// host is the party's name, "" without one.
func (r relying) host() string {
	if r.party == nil {
		return ""
	}
	return r.party.Config.RPID
}

// owner is an agent as the ceremonies know them.
type owner struct {
	store.Agent
	keys []webauthn.Credential
}

func (o owner) WebAuthnID() []byte                         { return userHandle(o.ID) }
func (o owner) WebAuthnName() string                       { return o.Email }
func (o owner) WebAuthnDisplayName() string                { return cmp.Or(o.Name, o.Email) }
func (o owner) WebAuthnCredentials() []webauthn.Credential { return o.keys }

// userHandle is an agent's id: it says nothing of the person (section 14.6.1).
func userHandle(id store.AgentID) []byte { return binary.BigEndian.AppendUint64(nil, uint64(id)) }

func ownerOf(who store.Agent) owner {
	o := owner{Agent: who}
	for _, k := range who.Passkeys {
		var c webauthn.Credential
		if json.Unmarshal([]byte(k.Record), &c) == nil {
			o.keys = append(o.keys, c)
		}
	}
	return o
}

func passkeyID(credential []byte) store.PasskeyID { return sha256.Sum256(credential) }

// ceremony is what a browser gets to begin with: the options as browsers read them
// (section 5.1.8), and our own note of them, which comes back with the answer.
type ceremony struct {
	Options any    `json:"publicKey"`
	Note    string `json:"ceremony"`
}

var errNoPasskeys = errors.New("this site's address cannot have passkeys")

// beginSignIn asks for a signature of any passkey of this site.
func (r relying) beginSignIn() (ceremony, error) {
	if r.party == nil {
		return ceremony{}, errNoPasskeys
	}
	options, session, err := r.party.BeginDiscoverableLogin()
	if err != nil {
		return ceremony{}, err
	}
	return r.noted(ceremonySignIn, options.Response, session)
}

// beginAdd asks for a new passkey of the agent's, on a device that has none of theirs.
func (r relying) beginAdd(who store.Agent) (ceremony, error) {
	if r.party == nil {
		return ceremony{}, errNoPasskeys
	}
	o := ownerOf(who)
	have := webauthn.Credentials(o.keys).CredentialDescriptors()
	options, session, err := r.party.BeginRegistration(o, webauthn.WithExclusions(have))
	if err != nil {
		return ceremony{}, err
	}
	return r.noted(ceremonyAdd, options.Response, session)
}

func (r relying) noted(purpose string, options any, session *webauthn.SessionData) (ceremony, error) {
	note, err := json.Marshal(session)
	return ceremony{options, r.ring.Sign(purpose, note)}, err
}

// session reads a note back. The library tells whether its time is over.
func (r relying) session(purpose, note string) (s webauthn.SessionData, err error) {
	raw, ok := r.ring.Verify(purpose, note)
	if r.party == nil || !ok {
		return s, errors.New("no ceremony of ours")
	}
	return s, json.Unmarshal(raw, &s)
}

// maxAnswer bounds what a browser answers, in bytes.
const maxAnswer = 16 << 10

// assertion is a browser's answer to beginSignIn, not yet checked.
type assertion struct {
	session webauthn.SessionData
	answer  *protocol.ParsedCredentialAssertionData
}

func (r relying) readAssertion(note, answer string) (s assertion, err error) {
	if len(answer) > maxAnswer {
		return s, errors.New("the answer is too long")
	}
	if s.session, err = r.session(ceremonySignIn, note); err != nil {
		return s, err
	}
	s.answer, err = protocol.ParseCredentialRequestResponseBytes([]byte(answer))
	return s, err
}

// agent is whose passkey it says to be.
func (s assertion) agent() (store.AgentID, bool) {
	handle := s.answer.Response.UserHandle
	if len(handle) != 8 {
		return 0, false
	}
	return store.AgentID(binary.BigEndian.Uint64(handle)), true
}

// check checks a signature against the agent's passkeys.
func (r relying) check(s assertion, who store.Agent) (use store.PasskeyUse, err error) {
	o := ownerOf(who)
	flags := s.answer.Response.AuthenticatorData.Flags
	for i := range o.keys {
		// Some providers begin to back up keys that they made before, and say so: the
		// signature covers it, and nothing here hangs on it.
		o.keys[i].Flags.BackupEligible = flags.HasBackupEligible()
	}
	own := func(_, _ []byte) (webauthn.User, error) { return o, nil }
	c, err := r.party.ValidateDiscoverableLogin(own, s.session, s.answer)
	if err != nil {
		return use, err
	}
	// The store compares the counter that was signed with the one it has by then.
	c.Authenticator.SignCount, c.Authenticator.CloneWarning = s.answer.Response.AuthenticatorData.Counter, false
	record, err := json.Marshal(c)
	return store.PasskeyUse{
		ID: passkeyID(c.ID), Record: string(record), Count: c.Authenticator.SignCount,
		Challenge: challengeID(s.session), Until: s.session.Expires,
	}, err
}

// added checks the answer to beginAdd; use spends its challenge.
func (r relying) added(
	who store.Agent, note, answer string,
) (k store.Passkey, use store.PasskeyUse, err error) {
	if len(answer) > maxAnswer {
		return k, use, errors.New("the answer is too long")
	}
	session, err := r.session(ceremonyAdd, note)
	if err != nil {
		return k, use, err
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes([]byte(answer))
	if err != nil {
		return k, use, err
	}
	c, err := r.party.CreateCredential(ownerOf(who), session, parsed)
	if err != nil {
		return k, use, err
	}
	c.Attestation = webauthn.CredentialAttestation{} // we ask for none, and keep none
	record, err := json.Marshal(c)
	k = store.Passkey{ID: passkeyID(c.ID), Record: string(record), Count: c.Authenticator.SignCount}
	return k, store.PasskeyUse{Challenge: challengeID(session), Until: session.Expires}, err
}

func challengeID(s webauthn.SessionData) store.ChallengeID {
	sum := sha256.Sum256([]byte(s.Challenge))
	return store.ChallengeID(sum[:16])
}
