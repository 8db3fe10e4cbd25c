package origin

// IsPublicHost tells a domain (in lower case) under which strangers to one another
// have addresses: people there are counted one by one only.
func IsPublicHost(domain string) bool {
	switch domain {
	case "gmail.com", "googlemail.com", "outlook.com", "hotmail.com", "live.com", "msn.com",
		"hotmail.co.uk", "hotmail.fr", "hotmail.de", "hotmail.es", "hotmail.it", "live.co.uk", "live.fr", "live.nl",
		"outlook.es", "outlook.fr", "outlook.de", "outlook.co.id", "outlook.sa",
		"yahoo.com", "yahoo.co.uk", "yahoo.co.in", "yahoo.co.id", "yahoo.fr", "yahoo.es", "yahoo.de", "yahoo.com.br", "yahoo.co.jp", "ymail.com", "rocketmail.com",
		"aol.com", "icloud.com", "me.com", "mac.com",
		"gmx.com", "gmx.de", "gmx.net", "gmx.at", "gmx.ch", "web.de", "t-online.de", "freenet.de", "mail.com",
		"orange.fr", "wanadoo.fr", "free.fr", "sfr.fr", "laposte.net", "libero.it", "virgilio.it", "tiscali.it",
		"qq.com", "foxmail.com", "163.com", "126.com", "yeah.net", "sina.com", "sina.cn", "sohu.com", "139.com", "189.cn", "aliyun.com",
		"naver.com", "hanmail.net", "daum.net", "docomo.ne.jp", "ezweb.ne.jp", "softbank.ne.jp",
		"mail.ru", "bk.ru", "inbox.ru", "list.ru", "yandex.ru", "yandex.com", "rambler.ru", "ukr.net",
		"proton.me", "protonmail.com", "pm.me", "tuta.io", "tutanota.com", "fastmail.com", "hey.com", "zoho.com", "zohomail.com",
		"uol.com.br", "bol.com.br", "terra.com.br", "rediffmail.com", "telkom.net", "plasa.com",
		"comcast.net", "verizon.net", "att.net", "sbcglobal.net", "cox.net", "charter.net", "bellsouth.net",
		"btinternet.com", "sky.com", "virginmedia.com", "talktalk.net", "bigpond.com", "optusnet.com.au",
		"seznam.cz", "wp.pl", "o2.pl", "onet.pl", "interia.pl", "abv.bg", "maktoob.com":
		return true
	}
	return false
}
