package store

import (
	"testing"
	"time"
)

func TestSignatureFitsTheReadersLanguage(t *testing.T) {
	t.Parallel()
	p := Profile{Signatures: map[string]string{"": "Ana", "es": "Saludos", "zh-Hans": "安娜", "pt": ""}}
	for lang, want := range map[string]string{
		"": "Ana", "en": "Ana", "es": "Saludos", "es-419": "Saludos", "zh-Hans": "安娜", "zh-Hans-CN": "安娜", "zh": "Ana",
		"pt-BR": "", // left empty on purpose
	} {
		if got := p.Signature(lang); got != want {
			t.Errorf("%q: %q, want %q", lang, got, want)
		}
	}
	if got := (Profile{}).Signature("en-GB"); got != "" {
		t.Errorf("without signatures: %q", got)
	}
}

func TestUndoHasADefault(t *testing.T) {
	t.Parallel()
	if (Profile{}).UndoFor() != DefaultUndo || (Profile{Undo: 7 * time.Second}).UndoFor() != 7*time.Second {
		t.Error("undo is not what the profile says")
	}
	for _, a := range append(AfterSends(), "") {
		if err := (Profile{AfterSend: a}).Validate(); err != nil {
			t.Errorf("%q: %v", a, err)
		}
	}
}
