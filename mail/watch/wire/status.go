package wire

import (
	"hash/fnv"
	"slices"
	"strings"
)

// untagged reads what follows the star.
func (c *Conn) untagged() {
	first := strings.ToUpper(c.word())
	seq, counted := count(first)
	kind := strings.Trim(first, "[")
	if counted {
		kind = strings.ToUpper(c.word())
	}
	switch {
	case kind == "OK" || kind == "NO" || kind == "BAD" || kind == "BYE" || kind == "PREAUTH":
		c.status(kind)
	case !c.greeted:
		c.fail("this is no IMAP server: its first line is %q", "* "+first+c.line(80))
	case kind == "FETCH" && seq != 0:
		asked := c.commands.fetching()
		c.fetch = &fetch{seq: seq, wants: asked.fetch, byUID: asked.byUID}
		if c.blanks() == '(' {
			c.next()
		}
		c.items()
	case kind == "EXISTS" && counted, kind == "EXPUNGE" && seq != 0:
		c.skipLine()
		c.counted(seq, kind)
	case kind == "SEARCH":
		c.listing = &listing{left: maxListed}
	case kind == "ESEARCH":
		c.extended()
	case kind == "CAPABILITY":
		c.say("* CAPABILITY%s", joined(capabilities(c.line(maxLine))))
	default:
		c.skipLine()
	}
}

// counted passes on EXISTS and EXPUNGE. An EXPUNGE renumbers the mails above it.
func (c *Conn) counted(seq uint32, kind string) {
	if kind == "EXPUNGE" {
		c.flush(c.commands.fetching().fetch)
	}
	c.say("* %d %s", seq, kind)
}

// status reads an untagged status response (RFC 3501 section 7.1). Apart from the
// greeting and BYE it matters for its code alone.
func (c *Conn) status(kind string) {
	code, args, text := splitCode(c.line(maxLine))
	told := ""
	switch code {
	case "CAPABILITY":
		told = "[CAPABILITY" + joined(capabilities(args)) + "] "
	case "PERMANENTFLAGS":
		told = "[PERMANENTFLAGS (" + strings.TrimPrefix(joined(flags(args)), " ") + ")] "
	case "UIDVALIDITY":
		told = "[UIDVALIDITY " + validity(args) + "] "
	}
	switch {
	case kind == "BYE":
		c.note("the server ends the connection: " + text)
		c.greeted = true
		c.say("* BYE %s", text)
	case !c.greeted:
		c.greeted = true
		c.say("* %s %s%s", kind, told, text)
	case told != "":
		c.say("* OK %s%s", told, text)
	}
}

// tagged reads a tagged response, which ends a command, or a line that is none.
func (c *Conn) tagged() {
	tag := strings.ToUpper(c.word())
	if !c.commands.waits(tag) {
		c.until(0, func(byte) bool { return false })
		c.lineEnd()
		return
	}
	kind := strings.ToUpper(c.word())
	code, args, text := splitCode(c.line(maxLine))
	done, _ := c.commands.answered(tag)
	c.flush(done.fetch)
	switch {
	case kind == "OK" && code == "CAPABILITY":
		text = "[CAPABILITY" + joined(capabilities(args)) + "] " + text
	case kind == "OK":
	case kind == "BYE" && done.name == "LOGOUT":
		kind = "OK"
	default: // what is neither OK nor NO is no success
		if kind != "NO" {
			kind = "BAD"
		}
		// The library reads on behind the codes of a success.
		if code != "" && code != "APPENDUID" && code != "COPYUID" && code != "CAPABILITY" {
			text = "[" + code + "] " + text
		}
	}
	c.say("%s %s %s", tag, kind, text)
}

// splitCode takes a response code (RFC 3501 section 7.1) off a text, which then is
// never empty. A list of flags may hold anything, so it ends only with ")]".
func splitCode(line string) (code, args, text string) {
	line = strings.TrimSpace(line)
	inner, bracketed := strings.CutPrefix(line, "[")
	if bracketed {
		end := strings.IndexByte(inner, ']')
		name, _, _ := strings.Cut(inner[:max(end, 0)], " ")
		if code = strings.ToUpper(name); code == "PERMANENTFLAGS" {
			end = endOfFlags(inner)
		}
		if end >= 0 {
			_, args, _ = strings.Cut(inner[:end], " ")
			line = inner[min(end+1, len(inner)):]
		}
	}
	if !isAtom(code) {
		code, args = "", ""
	}
	return code, args, plain(line)
}

// endOfFlags finds the bracket behind a list of flags.
func endOfFlags(inner string) int {
	for _, end := range []string{")] ", ") ] "} {
		if i := strings.Index(inner+" ", end); i >= 0 {
			return i + len(end) - 2
		}
	}
	return strings.IndexByte(inner, ']')
}

// plain is a text as a response may hold it: one line, not long, never empty, and
// not to be taken for a code.
func plain(text string) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, text[:min(len(text), maxText)])
	if text = strings.TrimLeft(strings.TrimSpace(text), "[ "); text == "" {
		return "-"
	}
	return text
}

// isAtom tells an atom of RFC 3501 section 9. The library takes some bytes beyond
// ASCII too, and others not.
func isAtom(word string) bool {
	return word != "" && !strings.ContainsFunc(word, func(r rune) bool {
		return r <= ' ' || r > '~' || strings.ContainsRune(`(){%*"\]`, r)
	})
}

// capabilities are the words of a capability list that can be some.
func capabilities(list string) []string {
	words := strings.FieldsFunc(list, func(r rune) bool { return strings.ContainsRune(" \t[]()\",", r) })
	return slices.DeleteFunc(words, func(word string) bool { return len(word) > maxWord || !isAtom(word) })
}

// flags are those of a list that can be read: keywords may hold anything on a
// server that does not look at them.
func flags(list string) []string {
	list = strings.TrimSpace(list)
	list = strings.TrimSuffix(strings.TrimPrefix(list, "("), ")")
	return slices.DeleteFunc(strings.Fields(list), func(flag string) bool {
		name := strings.TrimPrefix(flag, `\`)
		return len(flag) > maxWord || flag != `\*` && !isAtom(name)
	})
}

func joined(words []string) string {
	var b strings.Builder
	for _, word := range words {
		b.WriteString(" " + word)
	}
	return b.String()
}

// validity is a UIDVALIDITY in the 32 bits that it may have. Some servers count in
// milliseconds, and some say 0: all that matters is that another value becomes
// another one.
func validity(args string) string {
	word, _, _ := strings.Cut(strings.Trim(args, " ()\""), " ")
	if _, ok := number(word); ok {
		return word
	}
	if word == "" || !isDigit(word[0]) {
		return "0" // none was told
	}
	sum := fnv.New32a()
	sum.Write([]byte(word))
	return decimal(max(sum.Sum32(), 1))
}
