package ident

// Derived returns keys for a purpose of the caller's own, one for each of the
// installation's secrets: the first is to mint with, all are to verify with, so
// that a changed secret keeps what was signed before. Keys of one purpose say
// nothing of those of another.
func (r *Ring) Derived(purpose string) [][]byte {
	all := make([][]byte, 0, len(r.keys))
	for _, k := range r.keys {
		all = append(all, derive(k.derived, purpose))
	}
	return all
}
