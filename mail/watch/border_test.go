package watch

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"signpost/mail/triage"
	"signpost/store/text"
)

const results = "Authentication-Results: "

// believed is what is read of a header, of Trust in these hosts.
func believed(header []string, hosts ...string) triage.Auth {
	raw := strings.Join(header, "\r\n") + "\r\n\r\n" + results + "mx.example.com; spf=pass smtp.mailfrom=body.test\r\n"
	return Trust{Hosts: hosts}.stated(fields([]byte(raw)))
}

// TestWhatRealHostsWriteIsBelieved holds the stacks of trace fields that mail hosts
// are known to write above a partner's mail.
func TestWhatRealHostsWriteIsBelieved(t *testing.T) {
	t.Parallel()
	all := func(source string) triage.Auth {
		return triage.Auth{SPF: "pass", SPFDomain: "partner.test", DKIM: []string{"partner.test"}, DMARC: "pass",
			DMARCDomain: "partner.test",
			Checked:     true, Source: "Authentication-Results of " + source}
	}
	const three = "spf=pass smtp.mailfrom=ann@partner.test; dkim=pass header.d=partner.test header.s=s1; dmarc=pass " +
		"header.from=partner.test"
	for name, c := range map[string]struct {
		trusted string
		header  []string
		want    triage.Auth
		peer    string
	}{
		"Gmail": {"mx.google.com", []string{
			"Delivered-To: support@example.com",
			"Received: by 2002:a05:6a10:1234:0:0:0:0 with SMTP id k1csp1; Mon, 2 Nov 2026 02:00:00 -0800 (PST)",
			"X-Received: by 2002:a17:90a:1:: with SMTP id x; Mon, 2 Nov 2026 02:00:00 -0800 (PST)",
			"ARC-Authentication-Results: i=1; mx.google.com; spf=fail smtp.mailfrom=ann@partner.test",
			"Return-Path: <ann@partner.test>",
			"Received: from mail.partner.test (mail.partner.test. [192.0.2.7]) by mx.google.com with ESMTPS id x for " +
				"<support@example.com>; Mon, 2 Nov 2026",
			"Received-SPF: pass (google.com: domain of ann@partner.test designates 192.0.2.7 as permitted sender) " +
				"client-ip=192.0.2.7;",
			results + `mx.google.com; dkim=pass header.i=@partner.test header.s=s1 header.b="abc;d=";` +
				` spf=pass (google.com: domain of ann@partner.test designates 192.0.2.7 as permitted sender)` +
				` smtp.mailfrom=ann@partner.test;` +
				` dmarc=pass (p=NONE sp=NONE dis=NONE) header.from=partner.test`,
			"DKIM-Signature: v=1; d=partner.test",
		}, all("mx.google.com"), "192.0.2.7"},
		"Gmail, from a host of Google's": {"mx.google.com", []string{
			"Received: by 2002:a05:6a10:1234:0:0:0:0 with SMTP id k1csp1; Mon, 2 Nov 2026 02:00:00 -0800 (PST)",
			"Received: from mail-sor-f69.google.com (mail-sor-f69.google.com. [209.85.220.69]) by mx.google.com with SMTPS id " +
				"x (Google Transport Security)",
			results + "mx.google.com; " + three,
			"Received: by mail-sor-f69.google.com with SMTP id y",
			results + "mx.google.com; spf=fail smtp.mailfrom=ann@partner.test",
		}, all("mx.google.com"), "209.85.220.69"},
		"Microsoft 365, through hosts of its own": {"outlook.com", []string{
			"Received: from DB9PR02MB7.eurprd02.prod.outlook.com (2603:10a6:10:1::7) by AS8PR02MB6.eurprd02.prod.outlook.com " +
				"with HTTPS; Mon, 2 Nov 2026",
			"Received: from DB6P191CA0002.EURP191.PROD.OUTLOOK.COM (2603:10a6:6:28::12) by " +
				"DB9PR02MB7.eurprd02.prod.outlook.com (2603:10a6:10:1::7)" +
				" with Microsoft SMTP Server (version=TLS1_2, cipher=TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384) id 15.20.1",
			"Received: from DB5EUR03FT052.eop-EUR03.prod.protection.outlook.com (2603:10a6:6:28:cafe::c4) by " +
				"DB6P191CA0002.outlook.office365.com" +
				" (2603:10a6:6:28::12) with Microsoft SMTP Server id 15.20.1 via Frontend Transport",
			results + "spf=pass (sender IP is 192.0.2.7) smtp.mailfrom=partner.test; dkim=pass (signature was verified)" +
				" header.d=partner.test;dmarc=pass action=none header.from=partner.test;compauth=pass reason=100",
			"Received-SPF: Pass (protection.outlook.com: domain of partner.test designates 192.0.2.7 as permitted sender) " +
				"receiver=protection.outlook.com;",
			"Received: from mail.partner.test (192.0.2.7) by DB5EUR03FT052.mail.protection.outlook.com (10.152.20.253) with " +
				"Microsoft SMTP Server id 15.20.1",
			"Authentication-Results-Original: spf=none (sender IP is ) smtp.mailfrom=x;",
		}, all("outlook.com"), "192.0.2.7"},
		"Microsoft 365, from another of its customers": {"outlook.com", []string{
			"Received: from BY2NAM01FT046.eop-nam01.prod.protection.outlook.com (10.152.68.51) by " +
				"BY2NAM01HT213.eop-nam01.prod.protection.outlook.com" +
				" (10.152.68.126) with Microsoft SMTP Server id 15.20.776.10; Tue, 22 May 2018",
			results + "spf=pass (sender IP is 40.107.3.7) smtp.mailfrom=partner.test; dkim=pass " +
				"header.d=partner.test;dmarc=pass action=none header.from=partner.test",
			"Received: from EUR05-obe.outbound.protection.outlook.com (40.107.3.7) by " +
				"BY2NAM01FT046.mail.protection.outlook.com (10.152.68.224) with Microsoft SMTP Server",
			"Received: from X.eurprd02.prod.outlook.com (2603:10a6:20b:43c::9) by Y.eurprd02.prod.outlook.com " +
				"(2603:10a6:20b:43c::9) with Microsoft SMTP Server",
		}, all("outlook.com"), "40.107.3.7"},
		"Postfix and rspamd, results on top": {"mx.example.com", []string{
			"Return-Path: <ann@partner.test>", "Delivered-To: support@example.com",
			results + "mx.example.com; dkim=pass header.d=partner.test header.s=s1 header.b=abc=; dmarc=pass (policy=none) " +
				"header.from=partner.test;" +
				" spf=pass (mx.example.com: domain of ann@partner.test designates 192.0.2.7 as permitted sender) " +
				"smtp.mailfrom=ann@partner.test",
			"Received: from mail.partner.test (mail.partner.test [192.0.2.7]) (using TLSv1.3 with cipher " +
				"TLS_AES_256_GCM_SHA384 (256/256 bits)) " +
				"(No client certificate requested) by mx.example.com (Postfix) with ESMTPS id 4Fj7 for <support@example.com>",
		}, all("mx.example.com"), "192.0.2.7"},
		"mailcow: Dovecot's LMTP in another container": {"mail.example.com", []string{
			"Received: from mail.example.com ([172.22.1.253]) by 3f1ab9c2dd1a with LMTP id 6Bk for <support@example.com>; " +
				"Mon, 2 Nov 2026",
			"Received: from mail.partner.test (mail.partner.test [IPv6:2001:db8:7::25]) by mail.example.com (Postcow) with " +
				"ESMTPS id 1",
			results + "mail.example.com; " + three,
		}, all("mail.example.com"), "2001:db8:7::25"},
		"Dovecot's LMTP over a socket, under the name of the machine": {"mx.example.com", []string{
			"Received: from mx.example.com by vm with LMTP id 2", results + "mx.example.com; " + three,
			"Received: from mail.partner.test (mail.partner.test [192.0.2.7]) by mx.example.com with ESMTPS id 1",
		}, all("mx.example.com"), "192.0.2.7"},
		"Postfix with opendkim, opendmarc and policyd-spf": {"mx.example.com", []string{
			"Received-SPF: Pass (mailfrom) identity=mailfrom; client-ip=192.0.2.7; helo=mail.partner.test; " +
				"envelope-from=ann@partner.test; receiver=<UNKNOWN>",
			"Received: from mail.partner.test (mail.partner.test [192.0.2.7]) by mx.example.com (Postfix) with ESMTPS id 1",
			"DMARC-Filter: OpenDMARC Filter v1.4.2 mx.example.com 4CE",
			results + "mx.example.com; dmarc=pass (p=none dis=none) header.from=partner.test",
			"DKIM-Filter: OpenDKIM Filter v2.11.0 mx.example.com 4CE",
			results + "mx.example.com; dkim=pass (2048-bit key; unprotected) header.d=partner.test header.i=@partner.test",
		}, triage.Auth{SPF: "pass", SPFDomain: "partner.test", DMARC: "pass", DMARCDomain: "partner.test", Checked: true,
			Source: "Authentication-Results of mx.example.com"}, "192.0.2.7"},
		"the same filters above the Received, each with its field": {"mx.example.com", []string{
			"Received: from localhost (localhost [127.0.0.1]) by mx.example.com (Postfix) with ESMTP id 2",
			results + "mx.example.com; dmarc=pass header.from=partner.test",
			results + "mx.example.com; dkim=pass header.d=partner.test",
			results + "mx.example.com; spf=pass smtp.mailfrom=ann@partner.test",
			"Received: from mail.partner.test (mail.partner.test [192.0.2.7]) by mx.example.com (Postfix) with ESMTPS id 1",
		}, all("mx.example.com"), "192.0.2.7"},
		"Exim": {"mx.example.com", []string{
			results + "mx.example.com; " + three,
			"Received: from [192.0.2.7] (port=39999 helo=[10.0.0.1]) by mx.example.com with esmtps (TLS1.3) (Exim 4.97) " +
				"(envelope-from <ann@partner.test>) id 1r",
		}, all("mx.example.com"), "192.0.2.7"},
		"Zimbra: amavis speaks of signatures behind the border": {"zimbra.example.com", []string{
			"Received: from zimbra.example.com (LHLO zimbra.example.com) (10.0.0.5) by zimbra.example.com with LMTP; Mon, " +
				"2 Nov 2026",
			"Received: from localhost (localhost [127.0.0.1]) by zimbra.example.com (Postfix) with ESMTP id 2",
			"X-Virus-Scanned: amavisd-new at zimbra.example.com",
			results + "zimbra.example.com (amavisd-new); dkim=pass (2048-bit key) header.d=partner.test",
			"Received: from zimbra.example.com ([127.0.0.1]) by localhost (zimbra.example.com [127.0.0.1]) (amavisd-new, port " +
				"10032) with ESMTP id 3",
			"Received: from mail.partner.test (mail.partner.test [192.0.2.7]) by zimbra.example.com (Postfix) with ESMTPS id 1",
		}, triage.Auth{DKIM: []string{"partner.test"}, Checked: true, Source: "Authentication-Results of zimbra.example.com"},
			"192.0.2.7"},
		"Fastmail": {"*.messagingengine.com", []string{
			"Received: from compute5.internal (compute5.nyi.internal [10.202.2.45]) by sloti1d3t01 (Cyrus 3.9) with LMTPA; " +
				"Mon, 2 Nov 2026",
			"Received: from mx5 ([10.202.2.204]) by compute5.internal (LMTPProxy); Mon, 2 Nov 2026",
			"Received: from mx5.messagingengine.com (localhost [127.0.0.1]) by mailmx.nyi.internal (Postfix) with ESMTP id A2D",
			"Received: from mx5.messagingengine.com (localhost [127.0.0.1]) by mx5.messagingengine.com (Authentication " +
				"Milter) with ESMTP id 4F0",
			"X-ME-Authentication-Results: mx5.messagingengine.com; spf=fail",
			results + "mx5.messagingengine.com; arc=none (no signatures found); dkim=pass (2048-bit rsa key sha256) " +
				"header.d=partner.test header.i=@partner.test;" +
				" dmarc=pass policy.published-domain-policy=none header.from=partner.test; iprev=pass smtp.remote-ip=192.0.2.7;" +
				" spf=pass smtp.mailfrom=ann@partner.test smtp.helo=mail.partner.test",
			"Received: from mail.partner.test (mail.partner.test [192.0.2.7]) by mx5.messagingengine.com (Postfix) with " +
				"ESMTPS for <support@example.com>",
		}, all("mx5.messagingengine.com"), "192.0.2.7"},
		"Yandex": {"*.mail.yandex.net", []string{
			"Received: from mxfront6q.mail.yandex.net ([127.0.0.1]) by mxfront6q.mail.yandex.net with LMTP id x for " +
				"<support@example.com>",
			"Received: from mail.partner.test (mail.partner.test [192.0.2.7]) by mxfront6q.mail.yandex.net (mxfront/Yandex) " +
				"with ESMTPS id x;" +
				" Mon, 2 Nov 2026 (using TLSv1.2) (Client certificate not present)",
			"Return-Path: ann@partner.test", "X-Yandex-Front: mxfront6q.mail.yandex.net",
			results + "mxfront6q.mail.yandex.net; spf=pass (mxfront6q.mail.yandex.net: domain of partner.test designates " +
				"192.0.2.7 as permitted sender," +
				" rule=[ip4:192.0.2.7]) smtp.mail=ann@partner.test; dkim=pass header.i=@partner.test; dmarc=pass " +
				"header.from=partner.test",
		}, all("mxfront6q.mail.yandex.net"), "192.0.2.7"},
		"OVH": {"*.mail.ovh.net", []string{
			"Received: from localhost (HELO queue) (127.0.0.1) by localhost with SMTP; 2 Nov 2026",
			"Received: from unknown (HELO output40.mail.ovh.net) (10.108.117.188) by mail804.ha.ovh.net with " +
				"AES256-GCM-SHA384 encrypted SMTP",
			"Received: from vr46.mail.ovh.net (unknown [10.101.8.46]) by out40.mail.ovh.net (Postfix) with ESMTP id 3",
			"Received: from in36.mail.ovh.net (unknown [10.101.4.36]) by vr46.mail.ovh.net (Postfix) with ESMTP id 2",
			"Received-SPF: Pass (mailfrom) identity=mailfrom; client-ip=192.0.2.7; helo=mail.partner.test; " +
				"envelope-from=ann@partner.test; receiver=support@example.com",
			results + "in36.mail.ovh.net; dkim=pass (2048-bit key; unprotected) header.d=partner.test; dkim-atps=neutral",
			"Received: from mail.partner.test (mail.partner.test [192.0.2.7]) by in36.mail.ovh.net (Postfix) with ESMTPS id 1",
		}, triage.Auth{SPF: "pass", SPFDomain: "partner.test", DKIM: []string{"partner.test"}, Checked: true,
			Source: "Authentication-Results of in36.mail.ovh.net"}, "192.0.2.7"},
		"iCloud, a field a method": {"*.icloud.com", []string{
			"Received: from p00-icloudmta-14 ([10.112.1.2]) by ms.example.icloud.com with SMTP id 1",
			results + "dmarc.icloud.com; dmarc=pass header.from=partner.test",
			results + "dkim-verifier.icloud.com; dkim=pass header.d=partner.test",
			results + "spf.icloud.com; spf=pass smtp.mailfrom=ann@partner.test",
			"Received: from mail.partner.test (mail.partner.test [192.0.2.7]) by st43p00im.me.com (Oracle Communications " +
				"Messaging Server) with ESMTPS id 1",
		}, all("spf.icloud.com"), "192.0.2.7"},
		"Yahoo": {"*.yahoo.com", []string{
			results + "atlas104.mail.yahoo.com; " + three,
			"Received: from 127.0.0.1  (EHLO mail.partner.test) (192.0.2.7)  by atlas104.mail.yahoo.com with SMTPS; Mon, " +
				"2 Nov 2026",
		}, all("atlas104.mail.yahoo.com"), "192.0.2.7"},
		"qmail": {"mx.example.com", []string{
			"Received: (qmail 1234 invoked by uid 89); 2 Nov 2026", results + "mx.example.com; " + three,
			"Received: from unknown (HELO 10.0.0.1) (192.0.2.7) by mx.example.com with SMTP; 2 Nov 2026",
		}, all("mx.example.com"), "192.0.2.7"},
		"taken in again by the host itself, which checks anew": {"mx.example.com", []string{
			results + "mx.example.com; spf=pass (localhost is always allowed.) smtp.mailfrom=ann@partner.test; dkim=pass " +
				"header.d=partner.test",
			"Received: from localhost (localhost [127.0.0.1]) by mx.example.com (Postfix) with ESMTP id 2",
			"Received: from mail.partner.test (mail.partner.test [192.0.2.7]) by mx.example.com (Postfix) with ESMTPS id 1",
			results + "mx.example.com; " + three,
		}, all("mx.example.com"), "192.0.2.7"},
		"from our own network, through two hosts": {"mx.example.com", []string{
			"Received: from mx.example.com by vm with LMTP id 3", results + "mx.example.com; " + three,
			"Received: from relay.example.com (relay.example.com [10.0.0.6]) by mx.example.com (Postfix) with ESMTP id 2",
			"Received: from desk (desk.example.com [10.0.0.5]) by relay.example.com (Postfix) with ESMTP id 1",
		}, all("mx.example.com"), "10.0.0.5"},
		"version, case, comments and folding": {"mx.example.com", []string{
			"Received: from mail.partner.test (mail.partner.test [192.0.2.7])\r\n\tby mx.example.com with ESMTPS id 1",
			"authentication-results: (a (b) \\) c)\r\n MX.Example.Com. (x) 1;\r\n\tSPF/1 (y) = PASS\r\n reason = \"a; b=c\" " +
				"smtp.mailfrom = ann@partner.test",
		}, triage.Auth{SPF: "pass", SPFDomain: "partner.test", Checked: true,
			Source: "Authentication-Results of MX.Example.Com."}, "192.0.2.7"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(c.want, believed(c.header, c.trusted)); diff != "" {
				t.Errorf("believed (-want +got)\n%s", diff)
			}
			raw := []byte(strings.Join(c.header, "\r\n") + "\r\n\r\n")
			if peer := (Trust{Hosts: []string{c.trusted}}).readTrace(fields(raw)).hop.peer; peer.String() != c.peer {
				t.Errorf("it came from %s, want %s", peer, c.peer)
			}
		})
	}
}

// TestWhatTheSenderWroteIsNotBelieved: in each of these the sender has written
// results for the domain of another, in the name of our host.
func TestWhatTheSenderWroteIsNotBelieved(t *testing.T) {
	t.Parallel()
	const (
		border = "Received: from evil.test (evil.test [198.51.100.66]) by mx.example.com (Postfix) with ESMTPS id 1"
		forged = "spf=pass smtp.mailfrom=ann@victim.test; dkim=pass header.d=victim.test; dmarc=pass header.from=victim.test"
		own    = results + "mx.example.com; " + forged
	)
	greeting := func(with string) string {
		return "Received: from " + with + " by mx.example.com (Postfix) with ESMTPS id 1"
	}
	inner := "Received: from victim.test (victim.test [192.0.2.7]) by mx.example.com (Postfix) with ESMTPS id 0"
	for name, header := range map[string][]string{
		"a hop of ours below the border": {border, inner, own},
		"a hop of ours from us": {border,
			"Received: from mx.example.com ([127.0.0.1]) by mx.example.com with ESMTP", own},
		"a hop of ours by LMTP":          {border, "Received: from mx.example.com by vm with LMTP id 2", own},
		"greeted with our host's name":   {greeting("mx.example.com (unknown [198.51.100.66])"), inner, own},
		"greeted as localhost":           {greeting("localhost (unknown [198.51.100.66])"), inner, own},
		"greeted with a private address": {greeting("[127.0.0.1] (unknown [198.51.100.66])"), inner, own},
		"greeted with one, as Exim writes it": {"Received: from [198.51.100.66] (helo=[127.0.0.1]) by " +
			"mx.example.com with esmtp (Exim 4.97)", inner, own},
		"greeted with one, the name known": {"Received: from evil.test ([198.51.100.66] helo=[10.0.0.1]) by " +
			"mx.example.com with esmtp (Exim 4.97)", inner, own},
		"greeted with one, as qmail writes it": {"Received: from unknown (HELO 127.0.0.1) (198.51.100.66) by " +
			"mx.example.com with SMTP", inner, own},
		"greeted with one, and no address is told": {greeting("[127.0.0.1]"), inner, own},
		"greeted with a comment":                   {greeting("x([127.0.0.1]) (unknown [198.51.100.66])"), inner, own},
		"greeted with a comment of two":            {greeting("x(mx)([127.0.0.1]) (unknown [198.51.100.66])"), inner, own},
		"greeted with a bracket only":              {greeting("x[127.0.0.1] (unknown [198.51.100.66])"), inner, own},
		"greeted with half a comment":              {greeting("x([127.0.0.1] (unknown [198.51.100.66])"), inner, own},
		"greeted with a tab": {greeting("x\tby\tmx\twith\tlmtp (unknown [198.51.100.66])"), inner,
			own},
		"greeted with a mapped address": {greeting("[IPv6:::ffff:127.0.0.1] (unknown [198.51.100.66])"), inner,
			own},
		"a field in capitals below the border": {border, "X-Spam: no", "Message-ID: <a@b>",
			"AUTHENTICATION-RESULTS: mx.example.com; " + forged},
		"an id with a version, below a foreign one": {border, results + "mx.other.test 1; none",
			results + "mx.example.com 1; " + forged},
		"greeted with a whole hop": {greeting(
			"x by mx.example.com with LMTP (mx [127.0.0.1]) (evil.test [198.51.100.66])"), inner, own},
		"a certificate in the name of a hop": {greeting(
			`evil.test (evil.test [198.51.100.66]) (using TLSv1.3) (Client CN "x [127.0.0.1] by mx", Issuer "y [10.0.0.1]")`),
			inner, own},
		"the name of a hop of Microsoft's": {"Received: from X.eurprd02.prod.outlook.com (198.51.100.66) by " +
			"mx.example.com with ESMTPS", inner, own},
		"below the host's own field": {border, results + "mx.example.com; arc=none", own},
		"one method stated, the others forged": {border,
			results + "mx.example.com; spf=none smtp.mailfrom=ann@victim.test",
			results + "mx.example.com; dkim=pass header.d=victim.test; dmarc=pass header.from=victim.test"},
		"above the Received one method, the others": {results + "mx.example.com; dkim=none", border, own},
		"below the author's own fields":             {border, "From: ann@victim.test", "Subject: x", own},
		"below a foreign id":                        {border, results + "smtp.evil.test; auth=pass", own},
		"an old field below the border": {border,
			"Received-SPF: pass (mx.example.com: domain of victim.test designates it) receiver=mx.example.com; " +
				"identity=mailfrom; envelope-from=ann@victim.test"},
		"an old field of the HELO name": {"Received-SPF: Pass (helo) identity=helo; helo=evil.test; " +
			"envelope-from=ann@victim.test; receiver=<UNKNOWN>", border},
		"an old field another host wrote": {"Received-SPF: Pass (mailfrom) identity=mailfrom; " +
			"envelope-from=ann@victim.test; receiver=mx.other.test", border},
		"an id that looks alike": {results + "mx.example.com.evil.test; " + forged, border,
			results + "mx-example.com; " + forged},
		"an id below ours":                {results + "x.mx.example.com; " + forged, border},
		"no id, where another is trusted": {border, results + forged},
		"the id within a comment":         {border, results + "(mx.example.com;) mx.evil.test; " + forged},
		"no Received at all":              {own},
		"folded behind a line that is no field": {border, results + "mx.example.com; arc=none", "no field here\r\n ; " +
			forged},
		"folded onto the host's own field": {border,
			results + "mx.example.com; spf=none; dkim=none; dmarc=none\r\n ; " + forged},
		"folded behind a name with a blank": {border, results + "mx.example.com; arc=none",
			"X Y: z\r\n\t; " + forged},
		"a seal of a forwarder": {border, "ARC-Authentication-Results: i=1; mx.example.com; " + forged,
			"X-Authentication-Results: mx.example.com; " + forged},
		"below a foreign host's hop": {"Received: from a.test ([198.51.100.66]) by relay.other.test " +
			"with ESMTP", own},
		"taken in again: localhost is always allowed": {results +
			"mx.example.com; spf=pass (localhost is always allowed.) smtp.mailfrom=ann@victim.test",
			"Received: from localhost ([127.0.0.1]) by mx.example.com with ESMTP", border},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := believed(header, "mx.example.com")
			if got.SPF == "pass" || len(got.DKIM) > 0 || got.DMARC == "pass" {
				t.Errorf("believed: %+v", got)
			}
		})
	}
}

// TestWhatIsHeldAgainstAMailCounts: a host that takes back what another proved, or
// says two things at once, is believed where it says the worse.
func TestWhatIsHeldAgainstAMailCounts(t *testing.T) {
	t.Parallel()
	const (
		outside = "Received: from mail.partner.test (mail.partner.test [192.0.2.7]) by mx.example.com (Postfix) with " +
			"ESMTPS id 1"
		again = "Received: from localhost (localhost [127.0.0.1]) by mx.example.com (Postfix) with ESMTP id 2"
		good  = results + "mx.example.com; spf=pass smtp.mailfrom=ann@partner.test; dkim=pass header.d=partner.test; " +
			"dmarc=pass header.from=partner.test"
		bad = results + "mx.example.com; spf=fail smtp.mailfrom=ann@partner.test; dkim=fail header.d=partner.test; " +
			"dmarc=fail header.from=partner.test"
	)
	for name, header := range map[string][]string{
		"at the border":                 {bad, outside, good},
		"behind it":                     {bad, again, outside, good},
		"behind it, of what it let in":  {again, bad, outside, good},
		"by another field of the entry": {good, bad, outside},
		"in the same field": {results + "mx.example.com; spf=pass smtp.mailfrom=ann@partner.test; spf=fail " +
			"smtp.mailfrom=ann@partner.test;" +
			" dkim=fail header.d=partner.test; dmarc=pass; dmarc=fail header.from=partner.test", outside},
	} {
		got := believed(header, "mx.example.com")
		if got.SPF != "fail" || len(got.DKIM) > 0 || got.DMARC != "fail" {
			t.Errorf("%s: believed: %+v", name, got)
		}
	}
}

// TestQuotedWordsOfTheSenderStayQuoted: a host writes the sender's address and
// signature into its field; quoted there, they can hold anything.
func TestQuotedWordsOfTheSenderStayQuoted(t *testing.T) {
	t.Parallel()
	const border = "Received: from evil.test (evil.test [198.51.100.66]) by mx.example.com (Postfix) with ESMTPS id 1"
	for name, said := range map[string]string{
		"an escaped quote": `spf=pass smtp.mailfrom="a\"; dmarc=pass header.from=victim.test; ` +
			`dkim=pass header.d=victim.test; b"@evil.test`,
		"a semicolon":        `spf=pass smtp.mailfrom="a; dmarc=pass; dkim=pass header.d=victim.test; b"@evil.test`,
		"a property":         `dkim=pass header.i="a header.d=victim.test b"@evil.test`,
		"a quoted statement": `"dmarc=pass"; "dkim=pass header.d=victim.test"`,
		"a comment not closed": `spf=pass (of "x\) ; dmarc=pass; ` +
			`dkim=pass header.d=victim.test; (y@evil.test) smtp.mailfrom=x@evil.test`,
		"an address for another": `spf=pass smtp.mailfrom="ann@victim.test"@evil.test`,
	} {
		got := believed([]string{results + "mx.example.com; " + said, border}, "mx.example.com")
		if got.DMARC != "" || got.SPFDomain == "victim.test" || len(got.DKIM) > 0 && got.DKIM[0] == "victim.test" {
			t.Errorf("%s: believed: %+v", name, got)
		}
	}
}

// TestAGatewayOfOursIsWithin: what stands before the mailbox's host with a public
// address is ours only by that address.
func TestAGatewayOfOursIsWithin(t *testing.T) {
	t.Parallel()
	header := fields([]byte(strings.Join([]string{
		"Received: from gw.example.com (gw.example.com. [203.0.113.7]) by mx.google.com with ESMTPS id 2",
		"Received: from mail.partner.test (mail.partner.test [192.0.2.7]) by gw.example.com with ESMTPS id 1",
		results + "gw.example.com; spf=pass smtp.mailfrom=ann@partner.test",
	}, "\r\n") + "\r\n\r\n"))
	trust := Trust{Hosts: []string{"gw.example.com"}}
	if got := trust.stated(header); got.SPF != "" {
		t.Errorf("believed by name alone: %+v", got)
	}
	trust.Relays = []netip.Prefix{netip.MustParsePrefix("203.0.113.0/28")}
	if got := trust.stated(header); got.SPF != "pass" || trust.readTrace(header).hop.peer.String() != "192.0.2.7" {
		t.Errorf("not believed: %+v", got)
	}
}

// TestAForgeryIsNotAnswered, however it is made; the mail beside it, which is what the
// forged one pretends to be, is.
func TestAForgeryIsNotAnswered(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := newHouse(t)
		h.connectedBefore()
		const passed = results + "mx.example.com; spf=pass smtp.mailfrom=ann@victim.test; dkim=pass header.d=victim.test; " +
			"dmarc=pass header.from=victim.test"
		for i, header := range [][]string{
			{"Received: from mx.example.com (unknown [198.51.100.66]) by mx.example.com with ESMTP",
				"Received: from victim.test ([192.0.2.7]) by mx.example.com with ESMTP", passed},
			{"Received: from localhost (unknown [198.51.100.66]) by mx.example.com with ESMTP",
				"Received: from victim.test ([192.0.2.7]) by mx.example.com with ESMTP", passed},
			{"Received: from evil.test ([198.51.100.66]) by mx.example.com with ESMTP",
				results + "mx.example.com; spf=none smtp.mailfrom=ann@victim.test", passed},
			{"Received: from evil.test ([198.51.100.66]) by mx.example.com with ESMTP",
				"Received-SPF: pass (mx.example.com: ok) receiver=mx.example.com; envelope-from=ann@victim.test"},
		} {
			raw := letter("ann@victim.test", fmt.Sprintf("f%d@victim.test", i))
			head, rest, _ := strings.Cut(raw, "Received:")
			_, rest, _ = strings.Cut(rest, "From: ")
			h.deliver(head + strings.Join(header, "\r\n") + "\r\nFrom: " + rest)
		}
		h.start()
		time.Sleep(time.Second)
		h.decided(4, 0)
		h.deliver(letter("ann@victim.test", "true@victim.test"))
		time.Sleep(time.Second)
		h.decided(5, 1)
	})
}

// A mail whose words hold NUL and bytes that are no UTF-8 is judged and answered like any
// other: the ledger keeps no such text, and the watcher hands it none.
func TestWordsThatAreNoTextAreCleaned(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := newHouse(t)
		h.connectedBefore()
		strange := strings.NewReplacer("A question", "A \x00 qu\xffestion", "A Person", "A \xfe\x00 Person",
			"<m1@", "<m\x00\xff1@")
		h.deliver(strange.Replace(letter("ana@partner.test", "m1@partner.test")))
		bounce := "Return-Path: <>\r\nFrom: MAILER-DAEMON <\x00\xff@relay.test>\r\nTo: partner-us.support@example.com\r\n" +
			"Subject: Undelivered \x00\xff\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n" +
			"--b\r\nContent-Type: text/plain\r\n\r\nfailed\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n" +
			"Reporting-MTA: dns; relay.test\r\n\r\nFinal-Recipient: rfc822; x\x00\xff@y.test\r\nAction: failed\r\n" +
			"Status: 5.1.1\r\nDiagnostic-Code: smtp; 550 no \x00\xff such user\r\n\r\n--b--\r\n"
		h.deliver(bounce)
		h.start()
		time.Sleep(time.Minute)
		h.decided(2, 1)
		for _, row := range h.rows() {
			if at := text.Invalid(row); at != "" {
				t.Errorf("mail %d holds no text at %s: %+v", row.UID, at, row)
			}
		}
	})
}
