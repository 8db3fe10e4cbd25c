// Package replymail shows an agent the mail of a reply before it is sent: made as the
// sender makes it, and taken apart for the eye. intake/desk knows no mail and mail/compose
// no page; this stands between them.
package replymail

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"strings"

	"signpost/intake/desk"
	"signpost/mail/compose"
	"signpost/store"
)

// Preview composes the mail of a reply that is not written yet: o is the row that it would
// have, e its entry, and earlier the messages and replies before it, the newest first.
func Preview(c *compose.Composer) func(context.Context, store.Outbound, store.Entry, []store.Entry) (desk.Mail, error) {
	return func(ctx context.Context, o store.Outbound, e store.Entry, earlier []store.Entry) (desk.Mail, error) {
		r, err := compose.ReadReply(ctx, unwritten{e, earlier}, nil, o)
		if err != nil {
			return desk.Mail{}, err
		}
		m, err := c.Reply(o, r)
		if err != nil {
			return desk.Mail{}, err
		}
		return shown(o, m)
	}
}

// unwritten is a reply as compose.Replies reads one.
type unwritten struct {
	entry   store.Entry
	earlier []store.Entry
}

func (u unwritten) ReplyOf(_ context.Context, _ store.OutboundID, most int) (store.Entry, []store.Entry, error) {
	return u.entry, u.earlier[:min(most, len(u.earlier))], nil
}

// shown takes a composed mail apart for the eye.
func shown(o store.Outbound, m compose.Message) (desk.Mail, error) {
	parsed, err := mail.ReadMessage(bytes.NewReader(m.Bytes))
	if err != nil {
		return desk.Mail{}, err
	}
	decoder := new(mime.WordDecoder)
	subject, err := decoder.DecodeHeader(parsed.Header.Get("Subject"))
	if err != nil {
		subject = parsed.Header.Get("Subject")
	}
	out := desk.Mail{From: o.From, To: m.To, Subject: subject, Raw: m.Bytes}
	if from, err := decoder.DecodeHeader(parsed.Header.Get("From")); err == nil {
		out.From = from
	}
	return out, parts(&out, parsed.Header.Get, parsed.Body)
}

// parts finds the text and the HTML of a mail, whose parts the composer nests at most three deep,
// and the names of its files, and puts the pictures that the HTML shows of the mail itself into it.
func parts(out *desk.Mail, header func(string) string, body io.Reader) error {
	kind, params, err := mime.ParseMediaType(header("Content-Type"))
	if err != nil {
		return err
	}
	if strings.HasPrefix(kind, "multipart/") {
		reader := multipart.NewReader(body, params["boundary"])
		for {
			part, err := reader.NextRawPart()
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err == nil {
				err = parts(out, part.Header.Get, part)
			}
			if err != nil {
				return err
			}
		}
	}
	if disposition, params, _ := mime.ParseMediaType(header("Content-Disposition")); disposition == "attachment" {
		out.Attached = append(out.Attached, params["filename"])
		return nil
	}
	switch strings.ToLower(header("Content-Transfer-Encoding")) {
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body)
	}
	content, err := io.ReadAll(body)
	switch {
	case kind == "text/plain" && out.Text == "":
		out.Text = strings.ReplaceAll(string(content), "\r\n", "\n")
	case kind == "text/html" && out.HTML == "":
		out.HTML = string(content)
	case header("Content-ID") != "": // it stands behind the HTML that shows it (RFC 2387)
		out.HTML = strings.ReplaceAll(out.HTML, `src="cid:`+strings.Trim(header("Content-ID"), "<>")+`"`,
			`src="data:`+kind+`;base64,`+base64.StdEncoding.EncodeToString(content)+`"`)
	}
	return err
}
