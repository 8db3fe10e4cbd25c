package form_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

// zipped is an archive with files of these names, in this order.
func zipped(names ...string) string {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, name := range names {
		w, _ := z.Create(name)
		_, _ = w.Write([]byte("<x/>"))
	}
	_ = z.Close()
	return b.String()
}

// takes posts one file each and tells whether it was taken; the sentence when not.
func takes(t *testing.T, w *world, f file) (ok bool, why string) {
	t.Helper()
	got := w.asJSON(good(), f)
	var faults struct{ Errors map[string]string }
	_ = json.Unmarshal(got.Body.Bytes(), &faults)
	if got.Code != 201 && got.Code != 422 {
		t.Errorf("%q: %d %s", f.name, got.Code, got.Body)
	}
	return got.Code == 201, faults.Errors["files"]
}

// What a browser could make something else of than a file to look at is served
// without a type: it would change the name's ending to that of the type.
func TestADownloadClaimsNoTypeThatRuns(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, c := range map[string][2]string{
		"invoice.pdf": {"MZ\x90\x00\x03\x00\x00\x00", "application/octet-stream"},
		"page.txt":    {"<!doctype html><html>", "application/octet-stream"},
		"steps.log":   {"#!/bin/sh\n", "application/octet-stream"}, "screen.png": {"\x89PNG\r\n\x1a\n", "image/png"},
		"notes.txt": {"hello", "text/plain; charset=utf-8"},
		"other.docx": {zipped("META-INF/manifest.xml", "word/document.xml"),
			"application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
	} {
		got := w.asJSON(good(), file{name, c[0]})
		status(t, got, 201)
		var receipt struct{ Number string }
		fatal(t, json.Unmarshal(got.Body.Bytes(), &receipt))
		served := w.get(linkOf(t, w.get(w.proven(w.ticket(receipt.Number))).Body.String(), name))
		if h := served.Header(); h.Get("Content-Type") != c[1] ||
			!strings.HasPrefix(h.Get("Content-Disposition"), "attachment") || h.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %v", name, h)
		}
	}
}

// A form that comes back names the files that did not stay.
func TestFilesThatDidNotStayAreNamed(t *testing.T) {
	t.Parallel()
	full := newWorld(t, func(s *setting) { s.files.Room = func() bool { return false } })
	contains(t, full.post(good(), file{"first.txt", "1"}, file{"second.txt", "2"}).Body.String(), "not with us yet",
		"<bdi>first.txt</bdi>", "<bdi>second.txt</bdi>")

	often := newWorld(t, func(s *setting) { s.cfg.PostsPerNetwork = 1 })
	status(t, often.post(good()), 303)
	var many []file
	for _, letter := range "abcdefghijkl" {
		many = append(many, file{string(letter) + ".txt", "x"})
	}
	page := often.post(good(), many...)
	status(t, page, 429)
	contains(t, page.Body.String(), "<bdi>a.txt</bdi>", "<bdi>j.txt</bdi>", "2 more files")

	cut := newWorld(t)
	contentType, body := multi(good(), file{"half.txt", "half of it"})
	contains(t, cut.send("POST", "/contact", contentType, strings.NewReader(body.String()[:body.Len()-60])).Body.String(),
		"<bdi>half.txt</bdi>")
}

// filesWorld has no limit that a test of many files would meet.
func filesWorld(t *testing.T, change ...func(*setting)) *world {
	return newWorld(t, append(change, func(s *setting) { s.cfg.PostsPerNetwork, s.cfg.PostsPerAddress = 0, 0 })...)
}
