package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"path"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"
)

// staticPrefix begins the address of every static file:
// /static/HASH/ROOM/FILE. The hash is over all files, so that modules import one
// another by relative paths and still never mix two versions.
const staticPrefix = "/static/"

type asset struct {
	kind       string // media type
	body, gzip []byte
}

type assets struct {
	files map[string]asset // "web/web.css"
	hash  string
	gzip  *gzip.Writer // nil once sealed: it holds a megabyte
}

func newAssets() *assets {
	w, _ := gzip.NewWriterLevel(nil, gzip.BestCompression) // a level there is
	return &assets{files: make(map[string]asset), gzip: w}
}

// kinds are the static files a room may have.
func kind(name string) (string, bool) {
	switch path.Ext(name) {
	case ".css":
		return "text/css; charset=utf-8", true
	case ".js":
		return "text/javascript; charset=utf-8", true
	case ".svg":
		return "image/svg+xml", true
	case ".png":
		return "image/png", true
	case ".jpg":
		return "image/jpeg", true
	case ".json": // what a browser may fetch ahead; there is no other
		return "application/speculationrules+json", true
	}
	return "", false
}

// Static adds the files of a room's static folder under the room's name.
func (s *Server) Static(room string, files fs.FS) error {
	return fs.WalkDir(files, "static", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		mediaType, ok := kind(name)
		if !ok {
			return fmt.Errorf("static file %s/%s: a kind of file that is not served", room, name)
		}
		body, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		path := room + strings.TrimPrefix(name, "static")
		s.assets.files[path] = asset{kind: mediaType, body: body, gzip: s.assets.compress(body)}
		return nil
	})
}

func (a *assets) compress(body []byte) []byte {
	var out bytes.Buffer
	a.gzip.Reset(&out)
	_, _ = a.gzip.Write(body) // a bytes.Buffer takes everything
	_ = a.gzip.Close()
	if out.Len() >= len(body) {
		return nil
	}
	return out.Bytes()
}

// seal names the version of the files.
func (a *assets) seal() {
	sum := sha256.New()
	for _, name := range sortedNames(a.files) {
		fmt.Fprintf(sum, "%s %d ", name, len(a.files[name].body))
		sum.Write(a.files[name].body)
	}
	a.hash = hex.EncodeToString(sum.Sum(nil))[:16]
	a.gzip = nil
}

// url is where a file lies. An unknown name leads to a 404, which a test of the
// pages finds.
func (a *assets) url(name string) string { return staticPrefix + a.hash + "/" + name }

func (s *Server) serveAsset(c echo.Context) error {
	x := exchange(c)
	f, ok := s.assets.files[c.Param("*")]
	if !ok {
		return &Fault{Status: http.StatusNotFound, Err: fmt.Errorf("no static file")}
	}
	h := x.Header()
	h.Set("Vary", "Accept-Encoding")
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	if c.Param("hash") != s.assets.hash {
		// A page of another version asks: serve ours, but let nobody keep it.
		h.Set("Cache-Control", "no-cache")
	}
	if f.gzip != nil && strings.Contains(x.Request.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
		return x.Bytes(http.StatusOK, f.kind, f.gzip)
	}
	return x.Bytes(http.StatusOK, f.kind, f.body)
}

func sortedNames(files map[string]asset) []string {
	return slices.Sorted(maps.Keys(files))
}
