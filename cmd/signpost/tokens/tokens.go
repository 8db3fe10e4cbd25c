// Package tokens lets a process beside the service, such as signpost check, use the sealed
// tokens of a data folder, so that a token which a provider replaces meanwhile is lost to
// neither.
//
// What stands here: Mount offers the tokens on the service's control socket, and Beside asks
// that socket, or opens the data file itself where no service runs. A call flows so:
// oauth.Keeper asks Beside, which asks the service, whose store answers. Tokens are sealed
// all the way: only who has the installation's secret can use them.
package tokens

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"time"

	"signpost/mail/oauth"
	"signpost/store"
)

// token is one on the control socket; Sealed is null where there is none.
type token struct {
	Name   string `json:"name"`
	Sealed []byte `json:"sealed"`
}

// maxRequest bounds what is sent to the socket: a token in base64, and its name.
const maxRequest = 2*store.MaxSealedToken + 4<<10

// Router takes routes as http.ServeMux does.
type Router interface {
	HandleFunc(pattern string, h func(http.ResponseWriter, *http.Request))
}

// Mount offers kept on a control socket.
func Mount(mux Router, kept oauth.Store) {
	mux.HandleFunc("GET /token", func(w http.ResponseWriter, r *http.Request) {
		t := token{Name: r.URL.Query().Get("name")}
		var err error
		t.Sealed, err = kept.SealedToken(r.Context(), t.Name)
		if errors.Is(err, store.ErrNotFound) {
			err = nil
		}
		answer(w, t, err)
	})
	mux.HandleFunc("POST /token", func(w http.ResponseWriter, r *http.Request) {
		var t token
		err := json.NewDecoder(io.LimitReader(r.Body, maxRequest)).Decode(&t)
		if err == nil {
			err = kept.PutSealedToken(r.Context(), time.Now(), t.Name, t.Sealed)
		}
		answer(w, token{Name: t.Name}, err)
	})
}

func answer(w http.ResponseWriter, t token, err error) {
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(t) // a client that left needs no answer
}

// Call asks the control socket.
type Call func(ctx context.Context, method, path string, in, out any) error

// Database is an open data file.
type Database interface {
	oauth.Store
	Close() error
}

// Beside are the tokens of a data folder for a process that is not its service.
type Beside struct {
	Service func() (Call, bool)      // the running one; false: none runs
	Stored  func() bool              // whether there is a data file
	Open    func() (Database, error) // opens, or makes, the data file
}

// SealedToken implements oauth.Store.
func (b Beside) SealedToken(ctx context.Context, name string) (sealed []byte, err error) {
	if call, ok := b.Service(); ok {
		var t token
		err := call(ctx, "GET", "/token?name="+url.QueryEscape(name), nil, &t)
		if err == nil && t.Sealed == nil {
			err = store.ErrNotFound
		}
		return t.Sealed, err
	}
	if !b.Stored() {
		return nil, store.ErrNotFound
	}
	err = b.opened(func(db Database) (err error) {
		sealed, err = db.SealedToken(ctx, name)
		return err
	})
	return sealed, err
}

// PutSealedToken implements oauth.Store.
func (b Beside) PutSealedToken(ctx context.Context, now time.Time, name string, sealed []byte) error {
	if call, ok := b.Service(); ok {
		return call(ctx, "POST", "/token", token{name, sealed}, &token{})
	}
	return b.opened(func(db Database) error { return db.PutSealedToken(ctx, now, name, sealed) })
}

func (b Beside) opened(do func(Database) error) error {
	db, err := b.Open()
	if err != nil {
		return err
	}
	return errors.Join(do(db), db.Close())
}
