package guard

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Further reasons for which an answer to a challenge is not accepted, besides
// ErrForged and ErrExpired.
var (
	// ErrUnsolved: the number does not fit the digest.
	ErrUnsolved = errors.New("not solved")
	// ErrSpent: the answer has served another post.
	ErrSpent = errors.New("used already")
)

// spentKept bounds the memory for answers that have been used. Each costs its
// sender the work, so filling it costs more than a replay gains.
const spentKept = 1 << 17

// maxDifficulty keeps a mistyped configuration from locking everybody out: it is
// minutes of work on a telephone.
const maxDifficulty = 100_000_000

// Work asks browsers for a proof of work; the package comment has the algorithm.
// It is safe for concurrent use. A nil Work is the switch turned off: it gives
// an empty challenge and accepts everything.
type Work struct {
	signer     Signer
	difficulty int64
	life       time.Duration

	mu    sync.Mutex
	spent *bounded[string, string] // salt -> use
}

// NewWork asks for at most difficulty hashes, half of them on average (a
// telephone does some 200,000 a second), and takes an answer up to life after
// its challenge. A difficulty of 0 is off: a nil Work.
func NewWork(signer Signer, difficulty int, life time.Duration) (*Work, error) {
	if difficulty == 0 {
		return nil, nil
	}
	if difficulty < 0 || difficulty > maxDifficulty {
		return nil, fmt.Errorf("proof of work: difficulty %d is not within 0 and %d", difficulty, maxDifficulty)
	}
	return &Work{
		signer: signer, difficulty: int64(difficulty), life: life,
		spent: newBounded[string, string](spentKept),
	}, nil
}

// Challenge makes a new challenge; "" when the switch is off.
func (w *Work) Challenge(now time.Time) string {
	if w == nil {
		return ""
	}
	n, err := rand.Int(rand.Reader, big.NewInt(w.difficulty))
	if err != nil {
		panic(err) // crypto/rand never fails
	}
	head := fmt.Sprintf("%d.%d.%s", now.Add(w.life).Unix(), w.difficulty, rand.Text())
	payload := head + "." + digest(head, n.String())
	return payload + "." + w.signer.Sign(purposeWork, []byte(payload))
}

// digest hashes one try. The dot keeps a digit from moving from one part to the
// other.
func digest(head, n string) string {
	sum := sha256.Sum256([]byte(head + "." + n))
	return hex.EncodeToString(sum[:])
}

// Verify checks an answer and spends it on use, the idempotency key of the post:
// the same post may come again with the same answer, after a refusal or a lost
// connection, any other may not. Without a use ("") an answer serves once. The
// error is ErrForged, ErrExpired, ErrUnsolved or ErrSpent.
func (w *Work) Verify(answer, use string, now time.Time) error {
	if w == nil {
		return nil
	}
	c, err := w.parse(answer)
	if err != nil {
		return err
	}
	if now.After(c.expiry) {
		return ErrExpired
	}
	if digest(c.head, c.n) != c.digest {
		return ErrUnsolved
	}
	return w.spend(c, use, now)
}

// answered is an answer whose challenge was made here.
type answered struct {
	head, salt, digest, n string
	expiry                time.Time
}

const purposeWork = "proof-of-work"

// maxAnswer is longer than any answer.
const maxAnswer = 600

func (w *Work) parse(answer string) (answered, error) {
	parts := strings.Split(answer[:min(len(answer), maxAnswer)], ".")
	if len(parts) != 6 {
		return answered{}, ErrForged
	}
	payload, ok := w.signer.Verify(purposeWork, parts[4])
	if !ok || string(payload) != strings.Join(parts[:4], ".") {
		return answered{}, ErrForged
	}
	expiry, err := strconv.ParseInt(parts[0], 10, 64)
	if err != nil {
		return answered{}, ErrForged
	}
	return answered{
		head: strings.Join(parts[:3], "."), salt: parts[2], digest: parts[3],
		n: parts[5], expiry: time.Unix(expiry, 0),
	}, nil
}

func (w *Work) spend(c answered, use string, now time.Time) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if earlier, spent := w.spent.get(c.salt, now); spent {
		if earlier == "" || earlier != use {
			return ErrSpent
		}
		return nil
	}
	// A second more, since an answer is good in the second it expires.
	w.spent.put(c.salt, use, c.expiry.Add(time.Second), now)
	return nil
}
