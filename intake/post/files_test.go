package post_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
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

// What partners send is taken, whatever its content looks like: it is only ever
// served as a file to save.
func TestAFilesContentRefusesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ole := "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + strings.Repeat("\x00", 504)
	for _, f := range []file{
		{"screen.png", "\x89PNG\r\n\x1a\n"}, {"report.pdf", "%PDF-1.7\n"}, {"data.csv", "a,b\n1,2\n"},
		{"voice.amr", "#!AMR\n"},
		{"contract.docx", ole}, {"prices.xlsx", ole}, {"letter.dot", ole}, {"show.pps", ole}, {"sheet.xlt", ole},
		{"plan.vsd", ole}, {"plan.mpp", ole}, {"book.pub", ole},
		{"export.csv", "a,b\n1,\x012\n"}, {"import.log", "line\x00two\n"},
		{"notes.txt", "<!DOCTYPE html><script>alert(1)</script>"}, {"error.log", "<?php echo 1; ?>"},
		{"steps.txt", "#!/bin/sh\necho\n"}, {"wide.txt", "h\x00e\x00l\x00l\x00o\x00"}, {"wide.csv", "\x00a\x00,\x00b"},
		{"drawn.txt", "<svg xmlns='http://www.w3.org/2000/svg'/>"},
		{"other.docx", zipped("META-INF/manifest.xml", "word/document.xml")},
		{"table.ods", zipped("mimetype", "content.xml")}, {"plain.zip", zipped("setup.exe")},
		{"one.heic", "\x00\x00\x00\x18ftyphevc\x00\x00\x00\x00"}, {"two.heic", "\x00\x00\x00\x18ftyphevx\x00\x00\x00\x00"},
		{"three.heif", "\x00\x00\x00\x18ftypmsf1\x00\x00\x00\x00"},
		{"logs.rar", "Rar!\x1a\x07\x01\x00"}, {"logs.xz", "\xfd7zXZ\x00"}, {"logs.bz2", "BZh91AY&SY"},
		{"logs.zst", "\x28\xb5\x2f\xfd"}, {"film.mkv", "\x1aE\xdf\xa3"},
		{"film.avi", "RIFF\x00\x00\x00\x00AVI LIST"}, {"film.wmv", "\x30\x26\xb2\x75\x8e\x66\xcf\x11"},
		{"trace.pcap", "\xd4\xc3\xb2\xa1"}, {"trace.pcapng", "\n\r\r\n"},
		{"system.evtx", "ElfFile\x00"}, {"mail.p7m", "\x30\x82\x01\x00"}, {"cert.cer", "\x30\x82\x01\x00"},
		{"old.wpd", "\xffWPC"}, {"data.mdb", "\x00\x01\x00\x00Standard Jet DB"},
		{"photo.psd", "8BPS"}, {"draw.dwg", "AC1027"}, {"font.ttf", "\x00\x01\x00\x00"}, {"run.sql", "select 1"},
		{"config.yaml", "a: 1"}, {"a.php", "<?php"}, {"feed.xml", "<?xml version='1.0'?><rss/>"},
		{"unknown.bin", "\x01\x02\x03\x04\xfe\xff\x00\x00"}, {"no ending", "text"}, {"core.dump", "\x7fELF\x02\x01\x01"},
		{"invoice.pdf", "MZ\x90\x00\x03\x00\x00\x00"},
		{"setup.exe.txt", "it says: access denied"}, {"v1.0.exe_log", "text"}, {"2024.12.31", "text"},
		{`5%22 screen.png`, "x"},
	} {
		if ok, why := takes(t, w, f); !ok {
			t.Errorf("%s is refused: %s", f.name, why)
		}
	}
}

// What a double click runs, mounts or follows is refused by its name, however the
// ending is dressed up, and whatever it holds.
func TestAFilesEndingRefusesWhatADoubleClickRuns(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, name := range []string{
		"a.exe", "A.EXE", "notes.pdf.exe", "a.com", "a.scr", "a.msi", "a.bat", "a.cmd", "a.ps1", "a.js", "a.vbs", "a.hta",
		"a.jar", "a.PY", "a.sh", "a.apk", "a.deb", "a.dmg",
		"a.html", "a.xht", "a.svg", "a.mht", "a.lnk", "a.url", "desk.rdp", "a.library-ms", "a.docm", "a.xltm", "query.iqy",
		"a.xll", "a.one", "a.chm", "a.reg", "a.wsf", "a.scf", "a.vbe", "a.wsb", "a.ahk",
		"disk.iso", "disk.img", "disk.vhd", "disk.vhdx", "disk.vmdk", "disk.sparseimage",
		"a.exe.", "a.exe . .", "a.exe \u00a0", "a.exe\u3000", "a.exe\u200b", "a.e\u200bxe", "a.ex\u00ade", "a.exe\u2060.",
		"cod\u202efdp.exe", "\u2066a.exe\u2069", "a.ｅｘｅ", "a．exe", "ａ．ＥＸＥ", "a․exe", "a.𝐞𝐱𝐞",
		"a.exe::$DATA", "a.exe:Zone.Identifier", "a.txt:b.exe", "a.exe：x", `C:\temp\a.exe`, "../a.exe", "dir/a.exe/",
		"a.{3050f4d8-98B5-11CF-BB82-00AA00BDCE0B}",
		".exe", " .exe", "a。exe", "a｡exe", "a.exe\u2028", "a.exe\u2029 ", strings.Repeat("a", 146) + ".exe" +
			strings.Repeat("b", 40),
		"a.appcontent-ms", "a.its", "a.vsix", "a.ppkg", "a.oxt", "a.odc", "a.onetoc2", "a.msrcincident",
	} {
		if ok, why := takes(t, w, file{name, "just text"}); ok || !strings.Contains(why, "can start a program") {
			t.Errorf("%q: taken %v, %q", name, ok, why)
		}
	}
}

func TestAnEmptyFileIsSaidToBeEmpty(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	page := w.page(good(), file{"empty.log", ""}, file{"full.log", "x"})
	status(t, page, 422)
	contains(t, page.Body.String(), "“empty.log” is empty", "full.log 1 B")
	if kept := hidden(page.Body.String(), "kept"); len(kept) != 1 {
		t.Errorf("%d files are carried, want the full one", len(kept))
	}
}

func TestConfiguredTypesAreTakenByContentOrName(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *setting) { s.cfg.Types = []string{"image/*", "application/pdf"} })
	for _, c := range []struct {
		file
		ok bool
	}{
		{file{"a.png", "\x89PNG\r\n\x1a\n"}, true}, {file{"a.pdf", "under a password"}, true},
		{file{"a.bin", "%PDF-1.7\n"}, true},
		{file{"a.txt", "text"}, false}, {file{"a.exe", "%PDF-1.7\n"}, false},
	} {
		if ok, why := takes(t, w, c.file); ok != c.ok {
			t.Errorf("%s: taken %v, %q", c.name, ok, why)
		}
	}
}

func TestSizesAndNumbersOfFilesAreLimited(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *setting) { s.cfg.MaxFiles, s.cfg.MaxFile, s.cfg.MaxTotal = 3, 1000, 2500 })
	text := func(n int) string { return strings.Repeat("x", n) }

	tooLarge := w.page(good(), file{"fits.txt", text(1000)}, file{"large.txt", text(1001)})
	status(t, tooLarge, 413)
	contains(t, tooLarge.Body.String(), "“large.txt” is larger than", typed)
	if kept := hidden(tooLarge.Body.String(), "kept"); len(kept) != 1 {
		t.Errorf("%d files are carried, want the one that fits", len(kept))
	}
	together := w.asJSON(good(), file{"a.txt", text(900)}, file{"b.txt", text(901)}, file{"c.txt", text(902)})
	status(t, together, 413)
	contains(t, together.Body.String(), "c.txt", `"files"`)
	many := w.asJSON(good(), file{"a.txt", "1"}, file{"b.txt", "2"}, file{"c.txt", "3"}, file{"d.txt", "4"})
	status(t, many, 422)
	contains(t, many.Body.String(), "d.txt")
	status(t, w.asJSON(good(), file{"a.txt", "1"}, file{"b.txt", "2"}, file{"c.txt", "3"}), 201)
}

// A day's bytes of files have an end, of which one network gets no more than its
// part; requests are taken all the same.
func TestADaysUploadsHaveAnEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(s *setting) {
			s.cfg.MaxFile, s.cfg.MaxTotal, s.cfg.UploadsPerDay = 1<<20, 1<<20, 8<<20
		})
		n := 0
		send := func(from string, files ...file) *httptest.ResponseRecorder {
			contentType, body := multi(good(), files...)
			r := httptest.NewRequest("POST", "/note", body)
			r.RemoteAddr = from
			r.Header.Set("Content-Type", contentType)
			r.Header.Set("Accept", "application/json")
			out := httptest.NewRecorder()
			w.handler.ServeHTTP(out, r)
			return out
		}
		large := func() file { n++; return file{"large.log", strings.Repeat(fmt.Sprintf("%015d\n", n), 1<<16-1)} }
		taken := func(from string) (files int) {
			for {
				got := send(from, large())
				if got.Code == 503 {
					contains(t, got.Body.String(), "We cannot take files at the moment")
					return files
				}
				status(t, got, 201)
				files++
			}
		}
		if got := taken("[2001:db8::1]:1"); got != 2 {
			t.Errorf("one network had %d MiB taken of 8, want a quarter", got)
		}
		if got := taken("[2001:db8:0:ff00::1]:1"); got != 0 {
			t.Errorf("another /64 of the same /48 had %d MiB taken more", got)
		}
		status(t, send("[2001:db8::1]:1"), 201)
		all := 2
		for i := range 5 {
			all += taken(fmt.Sprintf("192.0.%d.1:1", i))
		}
		if all != 8 {
			t.Errorf("%d MiB were taken within a day of 8", all)
		}
		contains(t, w.log.String(), "uploads_per_day is used up")
		time.Sleep(24 * time.Hour)
		if got := taken("[2001:db8::1]:1"); got != 2 {
			t.Errorf("a day later %d MiB are taken, want 2", got)
		}
	})
}

// A file chosen twice is one; another name, or another content, makes another file.
func TestAFileChosenTwiceIsTakenOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	status(t, w.asJSON(good(), file{"a.txt", "1"}, file{"a.txt", "1"}, file{"b.txt", "1"}, file{"a.txt", "2"}), 201)
	var names []string
	for _, f := range w.last().Files {
		names = append(names, f.Name)
	}
	if got := strings.Join(names, " "); got != "a.txt b.txt a.txt" {
		t.Errorf("taken: %s", got)
	}
}
