package ident

import "maps"

// Newest names the secret that mints, by its fingerprint.
func (r *Ring) Newest() string { return r.newest().name }

// AuditKey implements store.AuditKeys: rows of the audit log are MACed under a key of the
// newest secret, which is named by the secret's fingerprint.
func (r *Ring) AuditKey() string { return r.Newest() }

// AuditMAC implements store.AuditKeys, with 32 bytes of HMAC-SHA-256, for the secrets of the
// ring and those that it keeps the audit key of (KeepAuditKeys).
func (r *Ring) AuditMAC(name string, data []byte) ([]byte, bool) {
	held := r.held.Load()
	for _, k := range held.keys {
		if k.name == name {
			return mac(k.audit, auditMAC, data), true
		}
	}
	key, ok := held.retired[name]
	if !ok {
		return nil, false
	}
	return mac(key, auditMAC, data), true
}

// AuditKeys are the audit keys of the ring's secrets, and those it keeps, by name: what the
// log is still proven with when its secrets are gone. They open and mint nothing else.
func (r *Ring) AuditKeys() map[string][]byte {
	held := r.held.Load()
	keys := map[string][]byte{}
	maps.Copy(keys, held.retired)
	for _, k := range held.keys {
		keys[k.name] = k.audit
	}
	return keys
}

// KeepAuditKeys keeps the audit keys of secrets that are no longer in the ring, by name.
func (r *Ring) KeepAuditKeys(retired map[string][]byte) {
	r.change(func(h *holding) { h.retired = maps.Clone(retired) })
}
