package staff

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"

	"github.com/fxamacker/cbor/v2"

	"signpost/store"
)

// authenticator is a device with one passkey, as a browser speaks with it: ES256, no
// attestation.
type authenticator struct {
	key    *ecdsa.PrivateKey
	id     []byte
	handle string // the user's, base64url
	count  uint32 // 0 stays: it counts nothing
	origin string
	flags  byte
}

// Flags of authenticator data (WebAuthn section 6.1).
const (
	flagPresent  = 0x01
	flagVerified = 0x04
	flagEligible = 0x08
	flagBackedUp = 0x10
	flagAttested = 0x40
)

func newAuthenticator() *authenticator {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err) // there is no random
	}
	id := make([]byte, 16)
	rand.Read(id)
	return &authenticator{key: key, id: id, origin: "https://help.example", flags: flagPresent | flagVerified}
}

// options are what a page asks of a passkey.
type options struct {
	PublicKey struct {
		Challenge string `json:"challenge"`
		RPID      string `json:"rpId"`
		RP        struct {
			ID string `json:"id"`
		} `json:"rp"`
		User struct {
			ID string `json:"id"`
		} `json:"user"`
		Exclude []struct {
			ID string `json:"id"`
		} `json:"excludeCredentials"`
		Verification string `json:"userVerification"`
	} `json:"publicKey"`
	Ceremony string `json:"ceremony"`
}

// asks gets the options that a page would.
func (b *browser) asks(path string) (o options) {
	b.Helper()
	w := b.get(path, "Accept", "application/json")
	if w.Code != http.StatusOK {
		b.Fatalf("%s: %d %s", path, w.Code, w.Body)
	}
	if err := json.Unmarshal(w.Body.Bytes(), &o); err != nil {
		b.Fatal(err)
	}
	return o
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func (a *authenticator) clientData(kind, challenge string) []byte {
	data, _ := json.Marshal(map[string]any{"type": kind, "challenge": challenge, "origin": a.origin, "crossOrigin": false})
	return data
}

// data is authenticator data for a party; more follows the counter.
func (a *authenticator) data(party string, flags byte, more ...byte) []byte {
	hash := sha256.Sum256([]byte(party))
	d := append(hash[:], flags)
	return append(binary.BigEndian.AppendUint32(d, a.count), more...)
}

// makes answers the options of a new passkey.
func (a *authenticator) makes(o options) (answer string) {
	a.handle = o.PublicKey.User.ID
	point, err := a.key.PublicKey.Bytes()
	if err != nil {
		panic(err)
	}
	// A key of COSE: RFC 9053 section 7.1.
	public, _ := cbor.Marshal(map[int]any{1: 2, 3: -7, -1: 1, -2: point[1:33], -3: point[33:]})
	attested := binary.BigEndian.AppendUint16(make([]byte, 16), uint16(len(a.id)))
	attested = append(append(attested, a.id...), public...)
	object, _ := cbor.Marshal(map[string]any{
		"fmt": "none", "attStmt": map[string]any{}, "authData": a.data(o.PublicKey.RP.ID, a.flags|flagAttested, attested...),
	})
	return a.credential(map[string]any{
		"clientDataJSON": b64(a.clientData("webauthn.create", o.PublicKey.Challenge)), "attestationObject": b64(object),
	})
}

// signs answers the options of a signature.
func (a *authenticator) signs(o options) (answer string) {
	if a.count > 0 {
		a.count++
	}
	client, data := a.clientData("webauthn.get", o.PublicKey.Challenge), a.data(o.PublicKey.RPID, a.flags)
	hash := sha256.Sum256(client)
	sum := sha256.Sum256(append(append([]byte(nil), data...), hash[:]...))
	signature, err := ecdsa.SignASN1(rand.Reader, a.key, sum[:])
	if err != nil {
		panic(err)
	}
	return a.credential(map[string]any{
		"clientDataJSON": b64(client), "authenticatorData": b64(data), "signature": b64(signature), "userHandle": a.handle,
	})
}

func (a *authenticator) credential(response map[string]any) string {
	c, _ := json.Marshal(map[string]any{
		"id": b64(a.id), "rawId": b64(a.id), "type": "public-key", "response": response,
		"clientExtensionResults": map[string]any{},
	})
	return string(c)
}

// enrols adds the authenticator's passkey to the account that the browser is signed in to.
func (b *browser) enrols(a *authenticator, name string) *httptest.ResponseRecorder {
	b.Helper()
	o := b.asks("/account/passkeys/options")
	return b.post("/account/passkeys", url.Values{"name": {name}, "ceremony": {o.Ceremony}, "passkey": {a.makes(o)}})
}

// signsInBy signs in by the authenticator.
func (b *browser) signsInBy(a *authenticator) *httptest.ResponseRecorder {
	b.Helper()
	o := b.asks("/sign-in/passkey")
	return b.post("/sign-in/passkey", url.Values{
		"next": {"/room"}, "ceremony": {o.Ceremony}, "assertion": {a.signs(o)},
	})
}

func shownID(k store.Passkey) string { return hex.EncodeToString(k.ID[:]) }

// sessionHex is the id of a browser's session, as a form names it.
func sessionHex(b *browser) string {
	id := sessionID(b.cookies["session"])
	return hex.EncodeToString(id[:])
}
