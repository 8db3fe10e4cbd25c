package oauth

// XOAUTH2 is the mechanism by which Google and Microsoft take access tokens, over SMTP and
// IMAP alike; their documentation is its only definition. It is a client as go-sasl wants
// one, for one sign-in.
type XOAUTH2 struct {
	User, Token string
	Fault       string // the server's account of what was wrong with the token, "" without one
}

// Start sends the token at once.
func (x *XOAUTH2) Start() (mechanism string, response []byte, err error) {
	return "XOAUTH2", []byte("user=" + x.User + "\x01auth=Bearer " + x.Token + "\x01\x01"), nil
}

// Next answers the one challenge there is, a description of the failure, with an empty
// response: the server then ends the exchange with its refusal.
func (x *XOAUTH2) Next(challenge []byte) ([]byte, error) {
	x.Fault = string(challenge)
	return []byte{}, nil
}
