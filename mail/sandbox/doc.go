// Package sandbox is a mail host in memory, for trying Signpost out and for its
// tests: an SMTP and an IMAP server in which every address is a mailbox. It also
// plays the machines a support address meets in real life: a host that bounces,
// one that refuses, one that greylists, one that is slow, a person on leave, an
// autoresponder that marks nothing, another helpdesk.
//
// The road of a mail, from an SMTP client, Deliver or a machine:
//
//  1. Each recipient is asked for: the behaviour of its address or domain
//     decides whether it is taken, refused or put off (accept).
//  2. The mail is stamped once as a receiving host does: trace field, verified
//     DKIM signatures, Authentication-Results; a forged result under the host's
//     own name is taken out (stamp).
//  3. Each recipient gets its own copy with Return-Path and Delivered-To, in
//     the mailbox of its address without case and without "+tag" (put).
//  4. What the recipient's behaviour or a DSN request calls for in return is
//     queued (react) and travels the same road from step 1, sent by one
//     goroutine under a budget a machine, so that every loop ends.
//
// Everything is bounded: mails, bytes, mailboxes, connections, recipients,
// sizes, times. The oldest mails are forgotten first. Nothing outlives Close.
//
// To add a behaviour: its constant, its domain in builtIn and its place in Behaviours
// (behaviour.go), what it does in accept (before the mail is taken) or react
// (afterwards), and its words in intake/sandbox.
//
// The server runs over any listener, and over net.Pipe through DialSMTP and
// DialIMAP, where it also works inside a testing/synctest bubble.
package sandbox
