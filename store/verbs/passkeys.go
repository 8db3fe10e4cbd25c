package verbs

import (
	"bytes"
	"errors"
	"slices"
	"time"

	"signpost/store"
)

type passkeyRecord struct {
	ID     []byte `cbor:"1,keyasint"`
	Name   string `cbor:"2,keyasint,omitempty"`
	Record string `cbor:"3,keyasint"`
	Count  uint32 `cbor:"4,keyasint,omitempty"`
	Added  int64  `cbor:"5,keyasint"`
	Used   int64  `cbor:"6,keyasint,omitempty"`
}

func (r passkeyRecord) passkey() (k store.Passkey) {
	copy(k.ID[:], r.ID)
	k.Name, k.Record, k.Count = r.Name, r.Record, r.Count
	k.AddedAt, k.UsedAt = instant(r.Added), instant(r.Used)
	return k
}

// unfit tells a passkey that is too long, or none.
func (r passkeyRecord) unfit() bool {
	none := bytes.Equal(r.ID, make([]byte, len(store.PasskeyID{})))
	return none || r.Record == "" || len(r.Record) > store.MaxPasskeyRecord || len(r.Name) > store.MaxPasskeyName
}

func (r agentRecord) passkeyAt(id store.PasskeyID) int {
	return slices.IndexFunc(r.Passkeys, func(k passkeyRecord) bool { return bytes.Equal(k.ID, id[:]) })
}

// changePasskeys adds the passkey that a change adds, and drops those that it drops.
func (r *agentRecord) changePasskeys(now time.Time, c store.AgentChange) error {
	if c.WithoutPasskeys {
		r.Passkeys = nil
	}
	if k := c.AddsPasskey; k != nil {
		if r.passkeyAt(k.ID) >= 0 {
			return errors.Join(store.ErrConflict, errors.New("the agent has the passkey already"))
		}
		r.Passkeys = append(slices.Clone(r.Passkeys), passkeyRecord{
			ID: bytes.Clone(k.ID[:]), Name: k.Name, Record: k.Record, Count: k.Count, Added: micros(now),
		})
	}
	if c.DropsPasskey == (store.PasskeyID{}) {
		return nil
	}
	at := r.passkeyAt(c.DropsPasskey)
	if at < 0 {
		return errors.Join(store.ErrConflict, errors.New("the agent has no such passkey"))
	}
	r.Passkeys = slices.Delete(slices.Clone(r.Passkeys), at, at+1)
	return nil
}

// spendFactor takes what proves who the agent is, which counts once. Where it changed
// the agent's row, the caller writes that.
func (t *txn) spendFactor(now time.Time, r *agentRecord, f store.SecondFactor) error {
	if f.Step != 0 {
		if f.Step <= r.Step {
			return errors.Join(store.ErrConflict, errors.New("the code was used before"))
		}
		r.Step = f.Step
	}
	return errors.Join(r.spendRecovery(f.Recovery), t.spendPasskey(now, r, f.Passkey), r.spendLink(now, f.Link))
}

func (r *agentRecord) spendRecovery(code store.RecoveryHash) error {
	if code == (store.RecoveryHash{}) {
		return nil
	}
	at := slices.IndexFunc(r.Recovery, func(hash []byte) bool { return bytes.Equal(hash, code[:]) })
	if at < 0 {
		return errors.Join(store.ErrConflict, errors.New("the recovery code was used before, or is another's"))
	}
	r.Recovery = slices.Delete(r.Recovery, at, at+1)
	return nil
}

// spendPasskey notes that a passkey signed a challenge. A counter that does not grow is
// that of a copy (WebAuthn section 6.1.1); two that stay 0 count nothing. A challenge
// without a passkey is that of a new one, which counts once too.
func (t *txn) spendPasskey(now time.Time, r *agentRecord, use store.PasskeyUse) error {
	if use.Challenge != (store.ChallengeID{}) {
		if err := t.spendChallenge(now, use); err != nil {
			return err
		}
	}
	if use.ID == (store.PasskeyID{}) {
		return nil
	}
	at := r.passkeyAt(use.ID)
	if at < 0 {
		return errors.Join(store.ErrConflict, errors.New("the agent has no such passkey"))
	}
	k := r.Passkeys[at]
	if use.Count <= k.Count && (use.Count != 0 || k.Count != 0) {
		return errors.Join(store.ErrConflict, errors.New("the passkey's counter did not grow: it may be a copy"))
	}
	k.Record, k.Count, k.Used = use.Record, use.Count, micros(now)
	r.Passkeys = slices.Clone(r.Passkeys)
	r.Passkeys[at] = k
	return nil
}

// spendChallenge remembers that a challenge was answered, until it is over.
func (t *txn) spendChallenge(now time.Time, use store.PasskeyUse) error {
	until := store.Instant(use.Until)
	if !now.Before(until) {
		return errors.Join(store.ErrConflict, errors.New("the challenge is over"))
	}
	if t.has(bChallenges, use.Challenge[:]) {
		return errors.Join(store.ErrConflict, errors.New("the challenge was answered before"))
	}
	return t.putExpiring(bChallenges, expiryChallenge, digest(use.Challenge), appendInstant(nil, until), until)
}
