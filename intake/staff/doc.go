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
// What goes on in guesses is counted by account (guesses.go) for an alarm, and each try
// that was looked at and failed in the audit log.
//
// # What is kept of secrets
//
// Of a password its argon2id hash, of a recovery code its SHA-256, of an
// authenticator the secret itself, sealed by the installation's secret and bound to
// the agent; what earlier versions left in plain is sealed at the start
// (Staff.SealSecrets). A change of the password or of the authenticator asks for
// the present password and, with two-step sign-in, for a code.
//
// A session lasts Config.Idle after its last use, Config.Lasts in all. What a
// page fetches by itself to stay fresh (LiveHeader) is no use.
package staff
