package e2e

import (
	"net"
	"strings"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// startDNS is the name server of the tests' world: every domain under .invalid
// does not exist (RFC 2606), every other takes mail at mx.example.com and has
// the TXT records given, by name without the final dot.
func startDNS(t *testing.T, records ...map[string]string) string {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	texts := map[string]string{}
	for _, r := range records {
		for name, text := range r {
			texts[name] = text
		}
	}
	go func() {
		buf := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				return // closed
			}
			if reply, err := answerDNS(buf[:n], texts); err == nil {
				conn.WriteTo(reply, from)
			}
		}
	}()
	return conn.LocalAddr().String()
}

func answerDNS(query []byte, texts map[string]string) ([]byte, error) {
	var p dnsmessage.Parser
	head, err := p.Start(query)
	if err != nil {
		return nil, err
	}
	q, err := p.Question()
	if err != nil {
		return nil, err
	}
	name := strings.ToLower(strings.TrimSuffix(q.Name.String(), "."))
	m := dnsmessage.Message{Header: dnsmessage.Header{ID: head.ID, Response: true}, Questions: []dnsmessage.Question{q}}
	text, hasText := texts[name]
	rr := dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: 60}
	switch {
	case strings.HasSuffix("."+name, ".invalid"):
		m.RCode = dnsmessage.RCodeNameError
	case q.Type == dnsmessage.TypeMX:
		m.Answers = []dnsmessage.Resource{{Header: rr,
			Body: &dnsmessage.MXResource{Pref: 10, MX: dnsmessage.MustNewName("mx.example.com.")}}}
	case q.Type == dnsmessage.TypeTXT && hasText:
		m.Answers = []dnsmessage.Resource{{Header: rr, Body: &dnsmessage.TXTResource{TXT: []string{text}}}}
	}
	return m.Pack()
}
