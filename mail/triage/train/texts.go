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

	signs []string
	share float64 // how much it counts
	block int     // of neighbours, which speak of like situations; -1: never left out
}

// blocks is into how many parts each language's texts are cut.
const blocks = 8

// storyShare is how much a story of triage's tests counts. The phrases were made for the
// stories, so these say nothing on how far the phrases' signs are to be believed: of a
// story only the words are learned.
const storyShare = 0.3

func (t *text) notice() float64 {
	if t.Kind == "notice" {
		return 1
	}
	return 0
}

// load reads the texts beside this program, then triage's test mails.
func load(triageFolder string) ([]*text, error) {
	list, err := loadTexts(filepath.Join(triageFolder, "train", "texts"))
	if err != nil {
		return nil, err
	}
	fresh, err := loadFresh(filepath.Join(triageFolder, "testdata"))
	if err != nil {
		return nil, err
	}
	stories, err := loadStories(filepath.Join(triageFolder, "testdata", "stories"))
	return slices.Concat(list, fresh, stories), err
}

func loadTexts(folder string) (list []*text, err error) {
	files, err := filepath.Glob(filepath.Join(folder, "*.jsonl"))
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		own, at := []*text{}, map[string]int{}
		for s := bufio.NewScanner(bytes.NewReader(raw)); s.Scan(); {
			t := &text{share: 1}
			if err := json.Unmarshal(s.Bytes(), t); err != nil {
				return nil, fmt.Errorf("%s: text %d: %w", file, len(own)+1, err)
			}
			t.signs = triage.Signs([]byte(t.mail()), triage.Envelope{})
			t.block = at[t.Kind] // its place, for now
			at[t.Kind]++
			own = append(own, t)
		}
		for _, t := range own {
			t.block = t.block * blocks / at[t.Kind]
		}
		list = append(list, own...)
	}
	return list, err
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

func loadFresh(folder string) (list []*text, err error) {
	for _, kind := range []string{"notice", "letter"} {
		files, err := filepath.Glob(filepath.Join(folder, "fresh*", kind+"s", "*.eml"))
		if err != nil {
			return nil, err
		}
		for i, file := range files {
			raw, err := os.ReadFile(file)
			if err != nil {
				return nil, err
			}
			lang := strings.Split(filepath.Base(file), "-")[1]
			list = append(list, &text{Lang: lang, Kind: kind, share: 1, block: i * blocks / len(files),
				signs: triage.Signs(raw, triage.Envelope{})})
		}
	}
	return list, nil
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
			signs := triage.Signs([]byte("From: A. Writer <partner@shop.example>\n"+mail), triage.Envelope{})
			signs = slices.DeleteFunc(signs, func(s string) bool { return s[0] == '=' && s != triage.Bias })
			list = append(list, &text{Kind: kind, share: storyShare, block: -1, signs: signs})
		}
	}
	return list, err
}
