// Package staff is the door for those who work here: sign-in with a password
// and, where one was set up, an authenticator's code; sessions kept on the
// server; one's own account. Rooms for staff (ops, desk) guard their routes with
// Staff.Require and know nothing else of how somebody proved who they are.
//
// # How somebody comes in
//
// Require finds no session and sends the browser to /sign-in with the address it
// wanted. The post is first held to two limits (config.go): so many tries for an
// account from one network, and so many from one network in all. No limit counts
// for an account alone, so nobody can lock somebody else out: who guesses from
// elsewhere slows down elsewhere. Then the password is compared (password.go),
// against a hash of nothing where the account is unknown, so that the answer
// takes as long; then the code (totp.go). All that can fail fails in the same
// words. A session opens with a fresh token, and the one the browser had ends;
// the store keeps the token's hash alone.
//
// A session lasts Config.Idle after its last use, Config.Lasts in all. What a
// page fetches by itself to stay fresh (LiveHeader) is no use.
package staff
