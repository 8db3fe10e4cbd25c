// Package help holds the help texts of the command line that are too long for the tag of the flag they explain.
// A tag names its text as ${name}, and the parser, which takes Texts as an option, puts the text there. A new text
// gets the name of its command and flag; a name without a text makes every command line fail.
package help

import "github.com/alecthomas/kong"

// Texts are the help texts by name.
var Texts = kong.Vars{
	"agent_role": "agent, lead, ops, admin, or several with commas",
	"agent_region": "Ids of the regions whose tickets they see, with commas, or all. Without this all, and with " +
		"--update as before.",
	"agent_password": "Read the password from the first line of the input, or ask for it at a terminal. Without this " +
		"one is made and shown.",
	"agent_update": "Change the account of that address: its name, roles and password. It is enabled, and its " +
		"authenticator and passkeys forgotten.",
	"agent_invite": "Mail them a link, good for 72 hours, by which they choose a password or a passkey themselves.",
	"audit_head":   "Prove too that the log still holds all that it held when signpost audit head printed FILE.",
	"audit_names":  "An address that signed in or was acted on, or the name of an agent, as it stands in the log.",
	"classify_relay_reply": "Judge the replies of relays in FILE instead, JSON lines {\"at\",\"reply\"}; - is " +
		"standard input.",
	"demo_canary":   "How often the canary flies; 0s: by hand at /ops/health alone",
	"secret_revoke": "The old secret has leaked: end the links mailed so far and all sessions at once, and drop it.",
	"sla_explain":   "Show how a deadline comes about: each interval counted, what is skipped, the deadline.",
	"sla_open":      "Opening hours, such as \"Mon-Fri 09:00-12:30,13:30-18:00; Sat 10:00-14:00\".",
	"ticket_then":   "What the ticket is then: open, pending, on_hold or solved",
	"ticket_version": "The \"version\" of the ticket that the reply was written on; without it newer messages do " +
		"not matter.",
	"ticket_view": "mine, unassigned, waiting_us, waiting_partner, trouble, unopened, all or solved; without it all " +
		"unsolved ones.",
}
