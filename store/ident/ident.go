// Package ident mints and verifies everything by which Signpost recognises its
// own: Message-IDs, tagged envelope senders and the tokens of mailed links. Each
// is a public id and a MAC over it under a key derived for that purpose alone,
// so that nothing in the store or in a mail lets a reader make another.
//
// Ids in mail are lower-case base32, since hosts on the way change the case of
// local parts and Message-IDs; they are compared without case.
//
// A call flows so: New derives the keys of a Ring from the installation's secrets; its
// methods mint and verify, one pair a kind of id (ident.go). Sign and Verify do so for
// tokens of pages (sign.go), Seal and Unseal for what the store keeps secret (seal.go), and
// AuditMAC chains the audit log (audit.go). Replace changes the secrets of a ring in use.
// To add a kind of token: Sign with a purpose of its own. To add a kind of id: a key of
// its own in keys, derived in New, and its pair of methods.
package ident

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"signpost/store"
)

// SecretBytes is the least length of an installation secret.
const SecretBytes = 32

const (
	mailMAC = 10 // bytes: 80 bits bind a bounce; an attacker has one guess a mail
	linkMAC = 16 // bytes: a link opens a ticket
)

// TagKept is how long a tagged envelope sender is believed: relays give up after
// 5 days (RFC 5321 section 4.5.4.1), their bounces may wander for some more.
const TagKept = 30 * 24 * time.Hour

var base32Lower = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// auditMAC is not cut: who learns an old key must not find another log that ends alike.
const auditMAC = sha256.Size

// Ring holds the keys of one installation. It is safe for concurrent use, also while its
// secrets are replaced.
type Ring struct {
	held     atomic.Pointer[holding]
	changing sync.Mutex
}

// holding is what a ring holds at one time. It does not change.
type holding struct {
	keys    []keys            // newest first
	retired map[string][]byte // audit keys of secrets that are gone, by name
}

type keys struct {
	name                                              string // Fingerprint of the secret
	messageID, envelope, link, signed, sealing, audit []byte
}

// New derives the keys from the installation's secrets: the first mints, all
// verify, so a secret is changed by putting a new one in front.
func New(secrets ...[]byte) (*Ring, error) {
	r := &Ring{}
	r.held.Store(&holding{})
	if err := r.Replace(secrets...); err != nil {
		return nil, err
	}
	return r, nil
}

// Replace puts other secrets in the place of those that the ring was made of. Calls under
// way use the one or the other.
func (r *Ring) Replace(secrets ...[]byte) error {
	if len(secrets) == 0 {
		return errors.New("no installation secret")
	}
	var all []keys
	for _, secret := range secrets {
		if len(secret) < SecretBytes {
			return errors.New("the installation secret is shorter than 32 bytes; make one with: signpost init")
		}
		all = append(all, keysOf(secret))
	}
	r.change(func(h *holding) { h.keys = all })
	return nil
}

func (r *Ring) change(how func(*holding)) {
	r.changing.Lock()
	defer r.changing.Unlock()
	h := *r.held.Load()
	how(&h)
	r.held.Store(&h)
}

func keysOf(secret []byte) keys {
	return keys{
		name:      Fingerprint(secret),
		messageID: derive(secret, "message-id"),
		envelope:  derive(secret, "envelope-tag"),
		link:      derive(secret, "ticket-link"),
		signed:    derive(secret, "signed-value"),
		sealing:   derive(secret, "sealed-value"),
		audit:     derive(secret, "audit-log"),
	}
}

// newest are the keys that mint; all are those that verify, newest first.
func (r *Ring) newest() keys { return r.held.Load().keys[0] }
func (r *Ring) all() []keys  { return r.held.Load().keys }

func derive(secret []byte, purpose string) []byte {
	key, err := hkdf.Key(sha256.New, secret, nil, "signpost/"+purpose, 32)
	if err != nil {
		panic(err) // only for more than 255 hashes' worth of output
	}
	return key
}

func mac(key []byte, size int, parts ...[]byte) []byte {
	h := hmac.New(sha256.New, key)
	for _, p := range parts {
		h.Write(p)
	}
	return h.Sum(nil)[:size]
}

// unique returns 16 bytes that no other call returns: milliseconds first, so
// that indexes over them grow at their end, then 80 random bits.
func unique(now time.Time) (id [16]byte) {
	var ms [8]byte
	binary.BigEndian.PutUint64(ms[:], uint64(now.UnixMilli()))
	copy(id[:6], ms[2:])
	rand.Read(id[6:])
	return id
}

// kindMark is the first label of a Message-ID: it tells a mail that answers one
// of our auto-responses, even when the store has forgotten the row.
var kindMark = map[store.OutboundKind]string{
	store.MailConfirmation: "c",
	store.MailAutoResponse: "ar",
	store.MailLinks:        "l",
	store.MailReply:        "r",
	store.MailSolved:       "s",
	store.MailColleague:    "co",
	store.MailPromise:      "p",
	store.MailAlarm:        "al",
	store.MailInvite:       "in",
	store.MailReset:        "re",
	store.MailNotice:       "no",
}

// MessageID mints a Message-ID without its angle brackets:
// kind.unique.mac@domain.
func (r *Ring) MessageID(now time.Time, kind store.OutboundKind, domain string) string {
	id := unique(now)
	mark := kindMark[kind]
	sum := mac(r.newest().messageID, mailMAC, []byte(mark), id[:])
	return mark + "." + base32Lower.EncodeToString(id[:]) + "." + base32Lower.EncodeToString(sum) + "@" +
		strings.ToLower(domain)
}

// OwnMessageID tells whether an id (without angle brackets, any case, whatever
// its domain) was minted here, and for which kind of mail.
func (r *Ring) OwnMessageID(id string) (store.OutboundKind, bool) {
	mark, _, ok := r.parseMessageID(id)
	if !ok {
		return "", false
	}
	return kindOf(mark), true
}

// MintedAt tells, to the millisecond, when an id was minted here; false for one
// that was not.
func (r *Ring) MintedAt(id string) (time.Time, bool) {
	_, unique, ok := r.parseMessageID(id)
	if !ok {
		return time.Time{}, false
	}
	ms := binary.BigEndian.Uint64(append([]byte{0, 0}, unique[:6]...))
	return time.UnixMilli(int64(ms)).UTC(), true
}

// Copies mints what the copies of a mail to the colleagues of a ticket are made from, for
// as many as it may have.
func (r *Ring) Copies(now time.Time, kind store.OutboundKind, domain string) []store.CopyID {
	all := make([]store.CopyID, store.MaxColleagues)
	for i := range all {
		all[i] = store.CopyID{MessageID: r.MessageID(now, kind, domain), Link: NewLink(now)}
	}
	return all
}

func (r *Ring) parseMessageID(id string) (mark string, unique []byte, ok bool) {
	local, _, _ := strings.Cut(strings.ToLower(id), "@")
	parts := strings.Split(local, ".")
	if len(parts) != 3 {
		return "", nil, false
	}
	unique, ok1 := decode32(parts[1])
	sum, ok2 := decode32(parts[2])
	if !ok1 || !ok2 || len(unique) != 16 { // else the mark could borrow letters from the id
		return "", nil, false
	}
	for _, k := range r.all() {
		if hmac.Equal(sum, mac(k.messageID, mailMAC, []byte(parts[0]), unique)) {
			return parts[0], unique, true
		}
	}
	return "", nil, false
}

func kindOf(mark string) store.OutboundKind {
	for kind, m := range kindMark {
		if m == mark {
			return kind
		}
	}
	return ""
}

// Tag is what a tagged envelope sender says, not yet verified: the row it names
// and the day it was made.
type Tag struct {
	ID  store.OutboundID
	day uint16 // days since 1970-01-01 UTC
	mac []byte
}

const tagMark = "b-"

// EnvelopeFrom tags address for one mail: local+b-id-mac@domain, bound to its
// recipient and to the day it was queued.
func (r *Ring) EnvelopeFrom(address string, id store.OutboundID, recipient string, queued time.Time) string {
	local, domain, _ := strings.Cut(address, "@")
	body := tagBody(id, uint16(queued.Unix()/86400))
	sum := mac(r.newest().envelope, mailMAC, body, []byte(store.AddressKey(recipient)))
	return local + "+" + tagMark + base32Lower.EncodeToString(body) + "-" + base32Lower.EncodeToString(sum) + "@" + domain
}

func tagBody(id store.OutboundID, day uint16) []byte {
	body := binary.BigEndian.AppendUint16(nil, day)
	return binary.BigEndian.AppendUint64(body, uint64(id))
}

// ParseEnvelope reads the tag out of an address, in any case; false when it has
// none.
func ParseEnvelope(address string) (Tag, bool) {
	local, _, ok := strings.Cut(strings.ToLower(address), "@")
	_, tag, tagged := strings.Cut(local, "+"+tagMark)
	body64, sum64, whole := strings.Cut(tag, "-")
	if !ok || !tagged || !whole {
		return Tag{}, false
	}
	body, ok1 := decode32(body64)
	sum, ok2 := decode32(sum64)
	if !ok1 || !ok2 || len(body) != 10 || len(sum) != mailMAC {
		return Tag{}, false
	}
	return Tag{ID: store.OutboundID(binary.BigEndian.Uint64(body[2:])), day: binary.BigEndian.Uint16(body), mac: sum}, true
}

// VerifyTag tells whether the tag was made here for this recipient and is not
// older than TagKept.
func (r *Ring) VerifyTag(t Tag, recipient string, now time.Time) bool {
	if now.Sub(time.Unix(int64(t.day)*86400, 0)) > TagKept+24*time.Hour {
		return false
	}
	body := tagBody(t.ID, t.day)
	for _, k := range r.all() {
		if hmac.Equal(t.mac, mac(k.envelope, mailMAC, body, []byte(store.AddressKey(recipient)))) {
			return true
		}
	}
	return false
}

// NewLink mints the id of a mailed link.
func NewLink(now time.Time) store.LinkID { return store.LinkID(unique(now)) }

// LinkToken is the token that opens a link: 43 characters safe in a URL path.
func (r *Ring) LinkToken(id store.LinkID) string {
	return base64.RawURLEncoding.EncodeToString(append(id[:], mac(r.newest().link, linkMAC, id[:])...))
}

// ParseLink returns the link a token opens; false for a token not made here.
// Whether the link still opens anything is the store's to say.
func (r *Ring) ParseLink(token string) (store.LinkID, bool) {
	raw, ok := decodeToken(token)
	if !ok || len(raw) != len(store.LinkID{})+linkMAC {
		return store.LinkID{}, false
	}
	id := store.LinkID(raw[:16])
	for _, k := range r.all() {
		if hmac.Equal(raw[16:], mac(k.link, linkMAC, id[:])) {
			return id, true
		}
	}
	return store.LinkID{}, false
}

// agentLinkPurpose is what the token of a link into an agent's account is signed for; its
// payload is agent(8) link(16).
const agentLinkPurpose = "agent link"

// AgentLinkToken is the token that opens a link into an agent's account: 54 characters
// safe in a URL path.
func (r *Ring) AgentLinkToken(agent store.AgentID, id store.LinkID) string {
	return r.Sign(agentLinkPurpose, append(binary.BigEndian.AppendUint64(nil, uint64(agent)), id[:]...))
}

// ParseAgentLink returns whose account a token leads into, and by which link; false for
// a token not made here. Whether the link still opens anything is the store's to say.
func (r *Ring) ParseAgentLink(token string) (store.AgentID, store.LinkID, bool) {
	raw, ok := r.Verify(agentLinkPurpose, token)
	if !ok || len(raw) != 8+len(store.LinkID{}) {
		return 0, store.LinkID{}, false
	}
	return store.AgentID(binary.BigEndian.Uint64(raw)), store.LinkID(raw[8:]), true
}

// decode32 reads our base32 in its one canonical spelling: the decoder alone
// skips line ends and drops what is left over at the end.
func decode32(s string) ([]byte, bool) {
	raw, err := base32Lower.DecodeString(s)
	return raw, err == nil && base32Lower.EncodeToString(raw) == s
}

// decodeToken reads unpadded base64url in its one canonical spelling: Strict
// alone still skips line ends, and a token that has several spellings could be
// used several times where each is good for once.
func decodeToken(token string) ([]byte, bool) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(token)
	return raw, err == nil && base64.RawURLEncoding.EncodedLen(len(raw)) == len(token)
}
