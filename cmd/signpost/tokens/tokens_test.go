package tokens

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"signpost/store"
	"signpost/store/engine/memory"
	"signpost/store/verbs"
)

// over calls a handler as the control socket's client does.
func over(h http.Handler) Call {
	return func(ctx context.Context, method, path string, in, out any) error {
		body, err := json.Marshal(in)
		if err != nil {
			return err
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequestWithContext(ctx, method, "http://control"+path, bytes.NewReader(body)))
		if w.Code != http.StatusOK {
			return errors.New(w.Body.String())
		}
		return json.Unmarshal(w.Body.Bytes(), out)
	}
}

// counted counts how often a data file was closed.
type counted struct {
	*verbs.Store
	closed *int
}

func (c counted) Close() error { *c.closed++; return nil }

// TestTokensBesideAService tells of a process that rotates a token while the service runs,
// and of one that does so while none runs: the store has the newest either way.
func TestTokensBesideAService(t *testing.T) {
	t.Parallel()
	e, err := memory.Open(verbs.Layouts(), memory.Options{})
	if err != nil {
		t.Fatal(err)
	}
	db, err := verbs.Open(e, verbs.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	mux := http.NewServeMux()
	Mount(mux, db)
	runs, stored, opened, closed := true, false, 0, 0
	beside := Beside{
		Service: func() (Call, bool) { return over(mux), runs },
		Stored:  func() bool { return stored },
		Open:    func() (Database, error) { opened++; return counted{db, &closed}, nil },
	}
	put := func(name, sealed string) {
		t.Helper()
		if err := beside.PutSealedToken(t.Context(), time.Now(), name, []byte(sealed)); err != nil {
			t.Fatal(err)
		}
		if got, err := beside.SealedToken(t.Context(), name); err != nil || string(got) != sealed {
			t.Errorf("%q came back as %q, %v", sealed, got, err)
		}
	}
	if _, err := beside.SealedToken(t.Context(), "oauth/a b&c"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("of the service: %v", err)
	}
	put("oauth/a b&c", "\x00\xff by the service")
	put("large", string(make([]byte, store.MaxSealedToken)))
	if opened != 0 {
		t.Errorf("the data file was opened %d times beside a service", opened)
	}
	runs = false
	if _, err := beside.SealedToken(t.Context(), "oauth/a b&c"); !errors.Is(err, store.ErrNotFound) || opened != 0 {
		t.Errorf("without a data file: %v, opened %d times", err, opened)
	}
	stored = true
	put("oauth/a b&c", "by hand")
	if opened != 2 || closed != 2 {
		t.Errorf("the data file was opened %d times and closed %d", opened, closed)
	}
	if err := beside.PutSealedToken(t.Context(), time.Now(), "", nil); !errors.Is(err, store.ErrInvalid) {
		t.Errorf("got %v", err)
	}
}
