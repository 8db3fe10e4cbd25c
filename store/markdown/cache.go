package markdown

import (
	"container/list"
	"crypto/sha256"
	"sync"
)

// Cache keeps what HTML made of the texts read last: a thread is looked at many times, and
// reading Markdown is most of what that takes. A text is known by its content, so that one
// that is changed is read anew, and the same text costs one place wherever it stands. It is
// safe for concurrent use; nil keeps nothing.
type Cache struct {
	most int // bytes

	mu     sync.Mutex
	size   int
	of     map[textSum]*list.Element // of *written
	recent *list.List                // the one used last first
}

type textSum = [sha256.Size]byte

// written is a text as HTML, with what was said of the images that it names.
type written struct {
	sum    textSum
	html   string
	images []placedImage
}

type placedImage struct {
	name, address string
	shown         bool
}

// overhead is what a text takes beside its HTML, in bytes, roughly.
const overhead = 256

func (w *written) size() int {
	size := overhead + len(w.html)
	for _, i := range w.images {
		size += len(i.name) + len(i.address) + 48
	}
	return size
}

// holds tells whether the images lie where they lay.
func (w *written) holds(images Image) bool {
	for _, i := range w.images {
		if address, shown := images(i.name); address != i.address || shown != i.shown {
			return false
		}
	}
	return true
}

// NewCache keeps at most so many bytes.
func NewCache(most int) *Cache {
	return &Cache{most: most, of: make(map[textSum]*list.Element), recent: list.New()}
}

// HTML is HTML of the package, read once for all who ask for the same text with the same
// images.
func (c *Cache) HTML(source string, images Image) string {
	if c == nil {
		return HTML(source, images)
	}
	if images == nil {
		images = func(string) (string, bool) { return "", false }
	}
	sum := sha256.Sum256([]byte(source))
	if w := c.find(sum); w != nil && w.holds(images) {
		return w.html
	}
	w := &written{sum: sum}
	w.html = HTML(source, func(name string) (string, bool) {
		address, shown := images(name)
		w.images = append(w.images, placedImage{name, address, shown})
		return address, shown
	})
	c.keep(w)
	return w.html
}

// Size is how many bytes are kept, at most what was given to NewCache.
func (c *Cache) Size() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.size
}

func (c *Cache) find(sum textSum) *written {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.of[sum]
	if e == nil {
		return nil
	}
	c.recent.MoveToFront(e)
	return e.Value.(*written)
}

// keep takes a text in and drops those that were not used for the longest time. One that
// would take the place of many others is not kept.
func (c *Cache) keep(w *written) {
	if w.size() > c.most/16 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if was := c.of[w.sum]; was != nil {
		c.drop(was)
	}
	c.of[w.sum] = c.recent.PushFront(w)
	for c.size += w.size(); c.size > c.most; {
		c.drop(c.recent.Back())
	}
}

// drop is called under the lock.
func (c *Cache) drop(e *list.Element) {
	w := c.recent.Remove(e).(*written)
	delete(c.of, w.sum)
	c.size -= w.size()
}
