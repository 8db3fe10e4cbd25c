package header

import (
	"bytes"
	netmail "net/mail"
	"strings"
	"testing"
)

// A header of 40 fields, as a mail that came through a few hosts has it.
func benchMail() []byte {
	hop := "Received: from mail.partner.example (mail.partner.example [192.0.2.7])\r\n" +
		"\tby mx.example.com with ESMTPS id 1\r\n\t" +
		"for <partner.support@example.com>; Mon, 2 Nov 2026 10:00:00 +0000\r\n"
	head := strings.Repeat(hop, 6) + "From: =?utf-8?q?Jos=C3=A9?= <jose@partner.example>\r\n" +
		"Subject: =?utf-8?b?UGVkaWRvIG7Dum1lcm8=?=\r\n 7\r\nMessage-ID: <1@partner.example>\r\n" +
		"Date: Mon, 2 Nov 2026 10:00:00 +0000\r\n" + strings.Repeat("X-Filter: "+strings.Repeat("x", 70)+"\r\n", 30)
	return []byte(head + "\r\nHello\r\n")
}

// BenchmarkRead takes our parser and net/mail alternately over one mail: its fields split,
// and the four that are shown read.
func BenchmarkRead(b *testing.B) {
	raw := benchMail()
	b.Run("header", func(b *testing.B) {
		b.SetBytes(int64(len(raw)))
		b.ReportAllocs()
		for b.Loop() {
			h, _ := Read(raw)
			_, ok := Date(h.Value("Date"))
			if list := Addresses(h.Value("From")); len(list) != 1 || !ok || FirstID(h.Value("Message-ID")) == "" ||
				DecodeWords(h.Value("Subject")) != "Pedido número 7" {
				b.Fatal("not read")
			}
		}
	})
	b.Run("net/mail", func(b *testing.B) {
		b.SetBytes(int64(len(raw)))
		b.ReportAllocs()
		for b.Loop() {
			m, err := netmail.ReadMessage(bytes.NewReader(raw))
			if err != nil {
				b.Fatal(err)
			}
			_, errDate := m.Header.Date()
			list, errFrom := m.Header.AddressList("From")
			if len(list) != 1 || errDate != nil || errFrom != nil || m.Header.Get("Message-ID") == "" ||
				m.Header.Get("Subject") == "" {
				b.Fatal("not read")
			}
		}
	})
}
