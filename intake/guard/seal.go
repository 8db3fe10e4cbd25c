package guard

import "encoding/json"

// Seal signs a value for a URL or a field, as JSON: every reader can read it, and only
// this server can make it. It panics on a value that JSON cannot hold.
func Seal(signer Signer, purpose string, v any) string {
	payload, err := json.Marshal(v)
	if err != nil {
		panic(err) // ours are structs of strings and numbers
	}
	return signer.Sign(purpose, payload)
}

// Unseal reads back what Seal signed for the same purpose; false for everything else.
func Unseal(signer Signer, purpose, token string, v any) bool {
	payload, ok := signer.Verify(purpose, token)
	return ok && json.Unmarshal(payload, v) == nil
}
