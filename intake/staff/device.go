package staff

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"strconv"
	"time"

	"signpost/intake/web"
	"signpost/store"
)

// deviceKept is how long a device is known after its last full sign-in.
const deviceKept = 180 * 24 * time.Hour

const devicePurpose = "staff device"

// device is a browser in which an account signed in with all that it asks for. The
// browser keeps it signed, in a cookie for each account. It opens no session; it
// counts their tries apart from those of strangers. What ends all of the account's
// sessions, such as a new password, ends it too.
type device struct {
	agent      store.AgentID
	generation uint32
	until      time.Time // to the second
	id         [8]byte
}

// bytes are agent(8) generation(4) until(8, Unix seconds) id(8).
func (d device) bytes() []byte {
	b := binary.BigEndian.AppendUint64(nil, uint64(d.agent))
	b = binary.BigEndian.AppendUint32(b, d.generation)
	b = binary.BigEndian.AppendUint64(b, uint64(d.until.Unix()))
	return append(b, d.id[:]...)
}

func readDevice(b []byte) (d device, ok bool) {
	if len(b) != 28 {
		return d, false
	}
	return device{
		agent: store.AgentID(binary.BigEndian.Uint64(b)), generation: binary.BigEndian.Uint32(b[8:]),
		until: time.Unix(int64(binary.BigEndian.Uint64(b[12:])), 0), id: [8]byte(b[20:]),
	}, true
}

// deviceCookie has the prefix of the session's (cookieName).
func deviceCookie(x *web.Exchange, id store.AgentID) string {
	name := "device-" + strconv.FormatUint(uint64(id), 10)
	if x.Secure() {
		return "__Host-" + name
	}
	return name
}

// knownDevice is the device that the browser proves to be, for this account.
func (s *Staff) knownDevice(x *web.Exchange, who store.Agent, now time.Time) (d device, ok bool) {
	c, err := x.Request.Cookie(deviceCookie(x, who.ID))
	if err != nil {
		return d, false
	}
	return s.deviceOf(c.Value, who, now)
}

func (s *Staff) deviceOf(token string, who store.Agent, now time.Time) (d device, ok bool) {
	raw, ok := s.deps.Ring.Verify(devicePurpose, token)
	if !ok {
		return d, false
	}
	d, ok = readDevice(raw)
	return d, ok && d.agent == who.ID && d.generation == who.Generation && now.Before(d.until)
}

// remember makes the browser a known device of the account that signed in.
func (s *Staff) remember(x *web.Exchange, who store.Agent, now time.Time) {
	d, ok := s.knownDevice(x, who, now)
	if !ok {
		rand.Read(d.id[:])
	}
	d.agent, d.generation, d.until = who.ID, who.Generation, now.Add(deviceKept)
	setCookie(x, deviceCookie(x, who.ID), s.deps.Ring.Sign(devicePurpose, d.bytes()), deviceKept)
}

// clientOf is who asks, for an account; one that is not there has no devices.
func (s *Staff) clientOf(x *web.Exchange, who store.Agent, now time.Time) client {
	c := client{addr: x.Remote()}
	if d, ok := s.knownDevice(x, who, now); ok {
		c.device = hex.EncodeToString(d.id[:])
	}
	return c
}
