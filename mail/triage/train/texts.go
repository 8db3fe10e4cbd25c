package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"mime"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"signpost/mail/triage"
)

// text is one mail to learn from.
type text struct {
	Lang, Kind    string // Kind is notice or letter
	Reply         bool   // it answers a mail
	Subject, Body string

	file  string
	signs []triage.Sign
	words int     // how many of the signs are of words
	share float64 // how much it counts
	block int     // of neighbours, which speak of like situations; -1: never left out
}

// blocks is into how many parts each file's texts are cut.
const blocks = 8

// storyShare is how much a story of triage's tests counts. The phrases were made for the
// stories, so these say nothing on how far the phrases' signs are to be believed: of a
// story only the words are learned.
const storyShare = 1.0

func (t *text) notice() float64 {
	if t.Kind == "notice" {
		return 1
	}
	return 0
}

// load reads the texts beside this program, then the stories of triage's tests.
func load(triageFolder string) ([]*text, error) {
	list, err := loadTexts(filepath.Join(triageFolder, "train", "texts"))
	if err != nil {
		return nil, err
	}
	stories, err := loadStories(filepath.Join(triageFolder, "testdata", "stories"))
	return slices.DeleteFunc(slices.Concat(list, stories), func(t *text) bool { return len(t.signs) == 0 }), err
}

func loadTexts(folder string) (list []*text, err error) {
	files, err := filepath.Glob(filepath.Join(folder, "*.jsonl"))
	for _, file := range files {
		own, err := loadFile(file)
		if err != nil {
			return nil, err
		}
		list = append(list, own...)
	}
	return list, err
}

func loadFile(file string) (own []*text, err error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	at := map[string]int{}
	for s := bufio.NewScanner(bytes.NewReader(raw)); s.Scan(); {
		t := &text{share: 1, file: strings.TrimSuffix(filepath.Base(file), ".jsonl")}
		if err := json.Unmarshal(s.Bytes(), t); err != nil {
			return nil, fmt.Errorf("%s: text %d: %w", file, len(own)+1, err)
		}
		t.setSigns(triage.Signs([]byte(t.mail()), triage.Envelope{}))
		t.block = at[t.Kind] // its place, for now
		at[t.Kind]++
		own = append(own, t)
	}
	for _, t := range own {
		t.block = t.block * blocks / at[t.Kind]
	}
	return own, nil
}

func (t *text) setSigns(signs []triage.Sign) {
	t.signs = signs
	for _, sign := range signs {
		if sign&triage.OfShape == 0 {
			t.words++
		}
	}
}

// mail is the text as it arrives.
func (t *text) mail() string {
	head := "From: A. Writer <partner@shop.example>\nTo: partner.support@example.com\n" +
		"Subject: " + mime.BEncoding.Encode("utf-8", t.Subject) + "\n"
	if t.Reply {
		head += "In-Reply-To: <c.one@example.com>\n"
	}
	return head + "Content-Type: text/plain; charset=utf-8\n\n" + t.Body
}

func loadStories(folder string) (list []*text, err error) {
	files, err := filepath.Glob(filepath.Join(folder, "*.txt"))
	for _, file := range files {
		kind := "letter"
		switch base := filepath.Base(file); {
		case strings.HasPrefix(base, "auto_reply"):
			kind = "notice"
		case !strings.HasPrefix(base, "people"):
			continue
		}
		raw, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		for _, story := range strings.Split("\n"+string(raw), "\n== ")[1:] {
			_, mail, _ := strings.Cut(story, "\n")
			t := &text{Kind: kind, share: storyShare, block: -1, file: "stories"}
			signs := triage.Signs([]byte("From: A. Writer <partner@shop.example>\n"+mail), triage.Envelope{})
			t.setSigns(slices.DeleteFunc(signs, func(s triage.Sign) bool { return s&triage.OfShape != 0 }))
			list = append(list, t)
		}
	}
	return list, err
}
