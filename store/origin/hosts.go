package origin

import (
	"strings"
	"sync"
)

// hostGroup are public mail hosts that have the same habits.
type hostGroup struct {
	// tags: the host is known to deliver "local+tag" to the mailbox "local".
	tags bool
	// large: so large that a domain one slip away is more likely the slip.
	large   bool
	domains string
}

// hostGroups are the public mail hosts, under which strangers to one another have
// addresses. This is the one list of them. Of one name the most usual domain stands first.
func hostGroups() []hostGroup {
	return []hostGroup{
		{tags: true, large: true, domains: `gmail.com googlemail.com outlook.com hotmail.com live.com msn.com icloud.com
		me.com mac.com protonmail.com proton.me fastmail.com`},
		{tags: true, domains: `pm.me`},
		{large: true, domains: `outlook.es hotmail.co.uk hotmail.es hotmail.fr hotmail.it yahoo.com yahoo.co.uk yahoo.co.id
		yahoo.co.in yahoo.co.jp yahoo.com.br yahoo.com.mx yahoo.es yahoo.fr ymail.com rocketmail.com aol.com
		zoho.com gmx.com gmx.de gmx.net web.de mail.com email.com mail.ru yandex.ru yandex.com qq.com
		foxmail.com 163.com 126.com sina.com naver.com hanmail.net rediffmail.com comcast.net verizon.net`},
		{domains: `hotmail.de live.co.uk live.fr live.nl outlook.fr outlook.de outlook.co.id outlook.sa yahoo.de gmx.at
		gmx.ch t-online.de freenet.de orange.fr wanadoo.fr free.fr sfr.fr laposte.net libero.it virgilio.it
		tiscali.it yeah.net sina.cn sohu.com 139.com 189.cn aliyun.com daum.net docomo.ne.jp ezweb.ne.jp
		softbank.ne.jp bk.ru inbox.ru list.ru rambler.ru ukr.net ya.ru yandex.by yandex.kz yandex.ua
		vip.qq.com vip.163.com vip.126.com vip.sina.com yahoo.ca yahoo.it yahoo.com.au yahoo.com.ar
		yahoo.com.sg yahoo.com.ph yahoo.com.vn yahoo.com.hk yahoo.com.tw hotmail.ca hotmail.be hotmail.nl
		hotmail.com.br outlook.it outlook.com.br live.de live.it live.ca live.com.mx posteo.de mailbox.org
		fastmail.fm tuta.io tutanota.com hey.com zohomail.com uol.com.br bol.com.br terra.com.br telkom.net
		plasa.com att.net sbcglobal.net cox.net charter.net bellsouth.net btinternet.com sky.com
		virginmedia.com talktalk.net bigpond.com optusnet.com.au seznam.cz wp.pl o2.pl onet.pl interia.pl
		abv.bg maktoob.com`},
	}
}

// publicHosts are the groups by domain.
var publicHosts = sync.OnceValue(func() map[string]hostGroup {
	all := map[string]hostGroup{}
	for _, group := range hostGroups() {
		for domain := range strings.FieldsSeq(group.domains) {
			all[domain] = group
		}
	}
	return all
})

// IsPublicHost tells a domain (in lower case) under which strangers to one another
// have addresses: people there are counted one by one only.
func IsPublicHost(domain string) bool {
	_, is := publicHosts()[domain]
	return is
}

// LargeHosts are the public mail hosts so large that a domain one slip away from theirs
// is more likely the slip; of one name the most usual domain stands first. Callers do not
// change the slice.
func LargeHosts() []string { return largeHosts() }

var largeHosts = sync.OnceValue(func() (domains []string) {
	for _, group := range hostGroups() {
		if group.large {
			domains = append(domains, strings.Fields(group.domains)...)
		}
	}
	return domains
})

// SuppressionKey is the form under which a suppressed address is compared: exact, since
// a host may tell local parts apart and the mail of another person must not end; but for
// the domain's case and, at hosts known to ignore it, a "+tag".
func SuppressionKey(address string) string {
	address = strings.TrimSpace(address)
	at := strings.LastIndexByte(address, '@')
	if at < 0 {
		return address
	}
	local, domain := address[:at], strings.ToLower(address[at+1:])
	if plus := strings.IndexByte(local, '+'); plus > 0 && publicHosts()[domain].tags {
		local = local[:plus]
	}
	return local + "@" + domain
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
