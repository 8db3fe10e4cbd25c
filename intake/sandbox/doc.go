// Package sandbox is the window on the demo's mail host: a mail client in
// miniature that shows every mailbox, every mail as text, HTML and raw, its
// headers explained, and for a support mailbox what the watcher decided and why;
// it writes mail as any sender to any mailbox, and switches the machines the host plays.
//
// It is mounted by the demo alone. It asks the mail host through Host and
// Machines and the ledger through Ledger; who plugs them in adapts the host's
// own types.
//
// Pages: /sandbox (mailboxes, list and mail, chosen by ?box and ?mail),
// /sandbox/write, /sandbox/machines; parts of a mail under /sandbox/mail/ID/;
// /sandbox/events tells an open page that something changed. Everything works by
// links and forms; the module sandbox.js only keeps an open page fresh.
//
// A request flows so: the handler of its file (client.go, mail.go, write.go, machines.go)
// asks Host, fills a typed page and shows it through intake/web. To add a kind of mail to
// write: a row of kinds.go with the function that drafts it. To add a header that is
// explained: a row of headers.go. To add a machine: mail/sandbox, then its row in
// machines.go.
package sandbox
