package sandbox

import (
	"io"
	"mime"
	"mime/multipart"
	"testing"
)

func mediaTypeOf(t testing.TB, value string) (string, map[string]string) {
	t.Helper()
	mediaType, params, err := mime.ParseMediaType(value)
	if err != nil {
		t.Fatal(err)
	}
	return mediaType, params
}

func partsOf(t testing.TB, body io.Reader, boundary string) map[string]string {
	t.Helper()
	parts := map[string]string{}
	r := multipart.NewReader(body, boundary)
	for {
		p, err := r.NextRawPart()
		if err == io.EOF {
			return parts
		}
		if err != nil {
			t.Fatal(err)
		}
		mediaType, _ := mediaTypeOf(t, p.Header.Get("Content-Type"))
		text, err := io.ReadAll(p)
		if err != nil {
			t.Fatal(err)
		}
		parts[mediaType] = string(text)
	}
}
