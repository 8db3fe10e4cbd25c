package web

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"signpost/store/lang"
)

// Exchange is one request and its answer.
type Exchange struct {
	Request *http.Request
	Writer  http.ResponseWriter
	ID      string    // names the request in logs and on error pages
	Lang    lang.Lang // the reader's
	Log     *slog.Logger

	server *Server
	echo   echo.Context
	prefs  prefs
	policy map[string]string // nil while it is everybody's
	body   *pacedBody
	shell  *shellAt // nil outside the staff shell
	// eventsAt is the position in the live events when the request came: what it
	// shows holds all that was told until then.
	eventsAt string
}

const exchangeKey = "exchange"

func exchange(c echo.Context) *Exchange { return c.Get(exchangeKey).(*Exchange) }

// Param is a named piece of the path, unescaped.
func (x *Exchange) Param(name string) string {
	value := x.echo.Param(name)
	if x.Request.URL.RawPath == "" {
		return value // routed by the unescaped path
	}
	if plain, err := url.PathUnescape(value); err == nil {
		return plain
	}
	return value
}

// Remote is the client's address: the peer's, or what a trusted proxy says.
// Invalid when neither can be read.
func (x *Exchange) Remote() netip.Addr {
	addr, _ := netip.ParseAddr(x.echo.RealIP())
	return addr.Unmap()
}

// Stopping is closed when the server takes no new work: streams end then.
func (x *Exchange) Stopping() <-chan struct{} { return x.server.stopping }

// Header is the answer's.
func (x *Exchange) Header() http.Header { return x.Writer.Header() }

// Redirect answers 303: the browser fetches the address with GET.
func (x *Exchange) Redirect(to string) error {
	x.Header().Set("Location", to)
	x.Writer.WriteHeader(http.StatusSeeOther)
	return nil
}

// JSON answers with a value; it is encoded before the status is written.
func (x *Exchange) JSON(status int, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return x.Bytes(status, "application/json; charset=utf-8", append(text, '\n'))
}

// Bytes answers with a whole body.
func (x *Exchange) Bytes(status int, contentType string, body []byte) error {
	h := x.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	x.Writer.WriteHeader(status)
	_, err := x.Writer.Write(body)
	if err != nil {
		x.Log.Debug("answer cut off", "request", x.ID, "err", err)
	}
	return nil
}

// WantsJSON tells whether the client prefers JSON to a page.
func (x *Exchange) WantsJSON() bool {
	var js, html float64
	for item := range strings.SplitSeq(strings.Join(x.Request.Header.Values("Accept"), ","), ",") {
		kind, params, _ := strings.Cut(item, ";")
		q := 1.0
		if _, v, ok := strings.Cut(params, "q="); ok {
			q, _ = strconv.ParseFloat(strings.TrimSpace(v), 64)
		}
		switch strings.ToLower(strings.TrimSpace(kind)) {
		case "application/json":
			js = max(js, q)
		case "text/html", "application/xhtml+xml":
			html = max(html, q)
		}
	}
	return js > html
}

// Private says that the answer is for this reader alone: kept in no cache and
// no index.
func (x *Exchange) Private() {
	x.Header().Set("Cache-Control", "no-store")
	x.Header().Set("X-Robots-Tag", "noindex, nofollow")
}

// ReferrerSameOrigin lets the pages of this site, and no other, see this page's
// address. For pages with a form and no secret in their address: where the
// browser sends no Sec-Fetch-Site (plain http on a local network), it names the
// origin of a form's post only then.
func (x *Exchange) ReferrerSameOrigin() { x.Header().Set("Referrer-Policy", "same-origin") }

// Ahead tells a request by which the browser fetches a page that its reader may open next
// (Sec-Purpose, as the Fetch standard has it).
func (x *Exchange) Ahead() bool {
	return strings.Contains(x.Request.Header.Get("Sec-Purpose"), "prefetch")
}

// FetchAhead lets the browser fetch the pages ahead that the rules in a static file name,
// and keep each in memory alone until it is opened. Browsers that do not know the header go
// without.
func (x *Exchange) FetchAhead(rules string) {
	x.Header().Set("Speculation-Rules", `"`+x.server.assets.url(rules)+`"`)
}

// SetDeadline gives the answer until now plus d to be written, for streams and
// downloads.
func (x *Exchange) SetDeadline(d time.Duration) {
	// Not every writer has deadlines (a recorder in a test has none).
	_ = http.NewResponseController(x.Writer).SetWriteDeadline(time.Now().Add(d))
}

// Secure tells whether readers reach this site over https, so that cookies can
// be kept from travelling any other way.
func (x *Exchange) Secure() bool { return strings.HasPrefix(x.server.cfg.URL, "https:") }
