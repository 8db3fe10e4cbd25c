// Package wire stands between an IMAP server and the client library, and gives
// the library only responses that it can read.
//
// The library ends the connection at the first byte that is not in the grammar,
// and real servers send many: keywords with brackets, dates of the year 0, blank
// lines, responses that were not asked for. A connection that ends there ends there
// again after every reconnect, and the mailbox is never read. So nothing of the
// server is passed on as it came. Each response is read leniently and written
// anew in the form of RFC 3501, reduced to what this program uses:
//
//   - the greeting, tagged responses, BYE, and continuation requests that the
//     client waits for;
//   - CAPABILITY, PERMANENTFLAGS and UIDVALIDITY, with what is no atom left out;
//   - EXISTS, EXPUNGE, SEARCH; ESEARCH becomes SEARCH;
//   - FETCH with UID, RFC822.SIZE, INTERNALDATE and the text of a mail, in this
//     order and only if the command that is under way asked for it.
//
// The bytes of a mail are passed on as they are, and never held: except where the
// server tells the UID after the text, since the library must know whose text it
// is before it comes. Then up to 1 MiB is held; a longer text passes without its
// UID, and can be had by sequence number.
//
// Memory is bounded whatever the server sends: a line is read token by token, and
// of each token only its first bytes are kept. How many bytes come at all is for
// the connection below to bound, and how long for the caller.
//
// What is not guessed: where a text ends that is of another length than the server
// said. The rest of a longer one was written by a stranger, who would be speaking
// for the server. The connection ends there, unless Forgive was called, which leaves
// it fit for nothing but the end of the command.
//
// A response flows so: Conn.Read reads one (response), which tagged, continuation or
// untagged takes apart (status.go; fetch.go and search.go for what holds data), and
// returns it as written anew. To let a further response pass: its case in untagged, and
// what the command in question may receive in wantsOf (command.go).
package wire
