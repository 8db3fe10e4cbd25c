// Package guard holds what keeps a public form from being abused and a partner
// from mistyping: the check of a mail address, limits per network and address, a
// proof of work, and signed tokens that need no session. It knows nothing of
// HTTP; the form asks it in this order, the cheapest first:
//
//  1. Limiter.AllowNetworks for where the post comes from;
//  2. Opened.Check: was the form filled in faster than a person can?
//  3. Addresses.Check for each address given: taken out of what was typed (tidy.go),
//     of the form that store/addr says, no other's lookalike (alike.go), at a domain
//     that receives mail; with what was probably meant (suggest.go, repair.go);
//  4. Limiter.AllowNetworks for the address, from there;
//  5. Work.Verify, where the switch is on.
//
// Invitations are the budgets of the mails that invite a colleague, which the form and the
// desk both send (invitation.go).
//
// Seal signs what a page carries for a while and gets back, such as a kept file.
//
// To add a check: a file with a type that is asked with the time and what is checked,
// bounded in memory (bounded.go), with errors that the form can put into a sentence; its
// place in the order above is by its cost.
//
// Everything here lives in memory and in signed tokens. Several nodes each keep
// their own counts; the store's budgets are what holds for all of them.
//
// # The proof of work
//
// A challenge is a string of five parts separated by dots, safe in an attribute:
//
//	EXPIRY.DIFFICULTY.SALT.DIGEST.SIGNATURE
//
// EXPIRY is in Unix seconds, DIFFICULTY a decimal number, SALT random letters
// and digits, DIGEST 64 lower-case hex digits, SIGNATURE the server's business.
// The browser finds the number N, 0 <= N < DIFFICULTY, for which
//
//	hex(SHA-256(EXPIRY + "." + DIFFICULTY + "." + SALT + "." + N)) == DIGEST
//
// with N in decimal, without leading zeros, and everything in ASCII. It answers
// with CHALLENGE + "." + N. There is exactly one such N and it is random, so the
// work is never more than DIFFICULTY hashes and half of that on average. In
// words for a script: part the challenge at the dots, join the first three with
// dots and add one, then try 0, 1, 2, ... behind it until the digest fits. A
// script that has tried all of them has a damaged challenge and should load the
// form anew. The server checks an answer with one hash and one MAC.
// crypto.subtle, which has SHA-256, exists on https and localhost alone.
package guard
