package staff

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"signpost/store"
	"signpost/store/ident"
)

// The second factor is a code of an authenticator or, when that is lost, one of
// a few recovery codes on paper.
const (
	recoveryCodes = 10
	recoveryBytes = 10 // 80 random bits: a fast hash is enough
)

var recoveryText = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// newRecovery makes recovery codes for an agent, and what the store keeps of them.
func newRecovery(id store.AgentID) (codes []string, hashes []store.RecoveryHash) {
	for range recoveryCodes {
		raw := make([]byte, recoveryBytes)
		rand.Read(raw)
		code := recoveryText.EncodeToString(raw)
		hashes = append(hashes, recoveryHash(id, code))
		codes = append(codes, strings.Join([]string{code[:4], code[4:8], code[8:12], code[12:]}, "-"))
	}
	return codes, hashes
}

// recoveryHash binds a code, without its hyphens, to its agent.
func recoveryHash(id store.AgentID, code string) store.RecoveryHash {
	return sha256.Sum256(binary.BigEndian.AppendUint64([]byte("recovery code "+code+" of "), uint64(id)))
}

// readRecovery finds the agent's recovery code that was typed, in either case,
// with or without what stands between its letters.
func readRecovery(who store.Agent, typed string) (store.RecoveryHash, bool) {
	typed = strings.NewReplacer("-", "", " ", "", "\t", "").Replace(strings.ToLower(typed))
	if len(typed) != recoveryText.EncodedLen(recoveryBytes) {
		return store.RecoveryHash{}, false
	}
	hash := recoveryHash(who.ID, typed)
	return hash, slices.Contains(who.Recovery, hash)
}

// factorOf finds what was typed among the agent's second factors; false for none
// of them. It is spent by the verb that it is handed to.
func (s *Staff) factorOf(who store.Agent, typed string, now time.Time) (store.SecondFactor, bool) {
	if hash, ok := readRecovery(who, typed); ok {
		return store.SecondFactor{Recovery: hash}, true
	}
	secret, ok := s.unseal(who)
	if !ok {
		return store.SecondFactor{}, false
	}
	step := checkCode(secret, typed, now, who.TOTPStep)
	return store.SecondFactor{Step: step}, step != 0
}

// sealPurpose is what an authenticator's secret is sealed for; its context is the
// agent's id in 8 bytes.
const sealPurpose = "authenticator"

func (s *Staff) seal(id store.AgentID, secret []byte) []byte {
	return s.deps.Ring.Seal(sealPurpose, secret, binary.BigEndian.AppendUint64(nil, uint64(id)))
}

// unseal is the agent's secret. One that is as long as a secret was written before
// secrets were sealed. False when none of the installation's secrets opens it.
func (s *Staff) unseal(who store.Agent) ([]byte, bool) {
	if len(who.TOTP) == secretSize {
		return who.TOTP, true
	}
	secret, _, ok := s.deps.Ring.Unseal(sealPurpose, who.TOTP, binary.BigEndian.AppendUint64(nil, uint64(who.ID)))
	return secret, ok
}

// sealPage is how many agents SealSecrets reads at a time.
const sealPage = 100

// SealSecrets seals, before the first sign-in and after a new secret, the authenticators' secrets that are
// not sealed yet or by a secret that is not the newest, and tells how many. Those
// agents stay signed in. lost are agents whose secret no secret of the installation
// opens: they sign in with a recovery code or not at all.
func SealSecrets(
	ctx context.Context, agents Agents, ring *ident.Ring,
) (sealed int, lost []store.AgentID, err error) {
	s := &Staff{deps: Deps{Agents: agents, Ring: ring}}
	list := func(p store.Page) (store.List[store.Agent], error) { return s.deps.Agents.ListAgents(ctx, p) }
	for who, err := range store.All(sealPage, list) {
		if err != nil {
			return sealed, lost, err
		}
		switch err := s.reseal(ctx, who); {
		case errors.Is(err, errLost):
			lost = append(lost, who.ID)
		case err == nil:
			sealed++
		case !errors.Is(err, store.ErrConflict):
			return sealed, lost, fmt.Errorf("seal the secret of agent %d: %w", who.ID, err)
		}
	}
	return sealed, lost, nil
}

var errLost = errors.New("no secret of the installation opens it")

// reseal seals an agent's secret by the newest secret; store.ErrConflict where
// there is nothing to seal, or it was sealed meanwhile.
func (s *Staff) reseal(ctx context.Context, who store.Agent) error {
	if len(who.TOTP) == 0 || s.sealedByNewest(who) {
		return store.ErrConflict
	}
	secret, ok := s.unseal(who)
	if !ok {
		return errLost
	}
	return s.deps.Agents.ResealAgent(ctx, who.ID, who.TOTP, s.seal(who.ID, secret))
}

func (s *Staff) sealedByNewest(who store.Agent) bool {
	_, newest, ok := s.deps.Ring.Unseal(sealPurpose, who.TOTP, binary.BigEndian.AppendUint64(nil, uint64(who.ID)))
	return ok && newest
}
