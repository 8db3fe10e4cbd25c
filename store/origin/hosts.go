package origin

import "strings"

// IsPublicHost tells a domain (in lower case) under which strangers to one another
// have addresses: people there are counted one by one only.
func IsPublicHost(domain string) bool {
	switch domain {
	case "gmail.com", "googlemail.com", "outlook.com", "hotmail.com", "live.com", "msn.com",
		"hotmail.co.uk", "hotmail.fr", "hotmail.de", "hotmail.es", "hotmail.it", "live.co.uk", "live.fr", "live.nl",
		"outlook.es", "outlook.fr", "outlook.de", "outlook.co.id", "outlook.sa",
		"yahoo.com", "yahoo.co.uk", "yahoo.co.in", "yahoo.co.id", "yahoo.fr", "yahoo.es", "yahoo.de", "yahoo.com.br",
		"yahoo.co.jp", "ymail.com", "rocketmail.com",
		"aol.com", "icloud.com", "me.com", "mac.com",
		"gmx.com", "gmx.de", "gmx.net", "gmx.at", "gmx.ch", "web.de", "t-online.de", "freenet.de", "mail.com",
		"orange.fr", "wanadoo.fr", "free.fr", "sfr.fr", "laposte.net", "libero.it", "virgilio.it", "tiscali.it",
		"qq.com", "foxmail.com", "163.com", "126.com", "yeah.net", "sina.com", "sina.cn", "sohu.com", "139.com", "189.cn",
		"aliyun.com",
		"naver.com", "hanmail.net", "daum.net", "docomo.ne.jp", "ezweb.ne.jp", "softbank.ne.jp",
		"mail.ru", "bk.ru", "inbox.ru", "list.ru", "yandex.ru", "yandex.com", "rambler.ru", "ukr.net", "ya.ru", "yandex.by",
		"yandex.kz", "yandex.ua",
		"vip.qq.com", "vip.163.com", "vip.126.com", "vip.sina.com",
		"yahoo.ca", "yahoo.it", "yahoo.com.au", "yahoo.com.mx", "yahoo.com.ar", "yahoo.com.sg", "yahoo.com.ph",
		"yahoo.com.vn", "yahoo.com.hk", "yahoo.com.tw",
		"hotmail.ca", "hotmail.be", "hotmail.nl", "hotmail.com.br", "outlook.it", "outlook.com.br", "live.de", "live.it",
		"live.ca", "live.com.mx",
		"proton.me", "protonmail.com", "pm.me", "posteo.de", "mailbox.org", "fastmail.fm", "tuta.io", "tutanota.com",
		"fastmail.com", "hey.com", "zoho.com", "zohomail.com",
		"uol.com.br", "bol.com.br", "terra.com.br", "rediffmail.com", "telkom.net", "plasa.com",
		"comcast.net", "verizon.net", "att.net", "sbcglobal.net", "cox.net", "charter.net", "bellsouth.net",
		"btinternet.com", "sky.com", "virginmedia.com", "talktalk.net", "bigpond.com", "optusnet.com.au",
		"seznam.cz", "wp.pl", "o2.pl", "onet.pl", "interia.pl", "abv.bg", "maktoob.com":
		return true
	}
	return false
}

// Party is the domain by which what goes to an address of this domain is counted: the
// registered one or, below a public host, the name that one customer has there, to
// whom all mail to it goes ("any@ana.fastmail.com"). "" for a public host itself.
func Party(domain string) string {
	name := plainName(domain)
	own := Registered(name)
	switch {
	case !IsPublicHost(own):
		return own
	case IsPublicHost(name):
		return ""
	}
	below := strings.TrimSuffix(name, "."+own)
	return below[strings.LastIndexByte(below, '.')+1:] + "." + own
}
