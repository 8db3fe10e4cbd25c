package main

import (
	"reflect"

	"signpost/store"
)

// actorless are the verbs that take no Actor, as rows of the file name them.
func actorless() (all []string) {
	verbs, actor := reflect.TypeFor[store.Store](), reflect.TypeFor[store.Actor]()
	for i := range verbs.NumMethod() {
		m, takes := verbs.Method(i), false
		for n := range m.Type.NumIn() {
			takes = takes || m.Type.In(n) == actor
		}
		if !takes {
			all = append(all, "VERB "+m.Name)
		}
	}
	return all
}
