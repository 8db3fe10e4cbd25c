// Package staff is the door for those who work here: sign-in with a password
// and, where one was set up, an authenticator's code; sessions kept on the
// server; one's own account with its profile. Rooms for staff (ops, desk) guard their
// routes with Staff.Require (a role) or Staff.Permit (the right to an act), hand ActorOf to
// the verbs, and know nothing else of how a person proved who they are.
//
// # How somebody comes in
//
// Require finds no session and sends the browser to /sign-in with the address it
// wanted. The post is first held to its limits (limits.go): so many failed tries
// for an account from one network, for all accounts from one network, and for an
// account from everywhere. A browser in which the account signed in before
// (device.go) has tries of its own, so that guesses from anywhere lock no owner
// out. Then the password waits for its turn and is compared (queue.go,
// password.go), against a hash of nothing where the account is unknown, so that
// the answer takes as long; then the code of an authenticator, or a recovery code
// (totp.go, factor.go). All that can fail fails in the same words and counts the
// same. A session opens with a fresh token, and the one the browser had ends; the
// store keeps the token's hash alone.
//
// A passkey signs in by itself (passkey.go, relying.go): that it was used proves a device,
// and that the device verified its owner. Its challenge is signed and given to the browser,
// with our note of the ceremony, so that asking for one writes nothing; the store remembers
// those that were answered, for as long as they last. Wrong answers count as wrong passwords
// do.
//
// Where a role needs a second factor (Config.RequireFactor, required.go), who has neither
// passkey nor authenticator sets one up before any other page opens.
//
// Staff.Proven guards what changes how accounts are opened or what they may do: the session
// has to have proved within ProofLasts who its agent is (prove.go). The forms of one's own
// account take the password and the code in the place of that.
//
// Admins of all regions tend the accounts of others under PeoplePath (people.go, person.go),
// behind Proven: they invite, give roles and regions, reset second factors, disable, and note
// absences. A form that was sent too late comes back filled by the page's address.
//
// An admin's invitation and "forgot password" mail a link (links.go): the page behind it
// changes nothing until its form is sent, and who chose a password there signs in with it
// and with the second step that the account has. Who asks for a link learns nothing by the
// answer or its time, and budgets of its address, its network and of all bound the mails.
// Notices tell the agent of what happened to the account (notices.go), within budgets too.
//
// What goes on in guesses is counted by account (guesses.go) for an alarm, and each try
// that was looked at and failed in the audit log.
//
// # What is kept of secrets
//
// Of a password its argon2id hash, of a recovery code its SHA-256, of an
// authenticator the secret itself, sealed by the installation's secret and bound to
// the agent; what earlier versions left in plain is sealed at the start
// (SealSecrets). A change of the password or of the authenticator asks for
// the present password and, with two-step sign-in, for a code.
//
// A session lasts Config.Idle after its last use, Config.Lasts in all. What a
// page fetches by itself to stay fresh (LiveHeader) is no use.
package staff
