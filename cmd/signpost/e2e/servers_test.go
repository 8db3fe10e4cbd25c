//go:build e2e || bench

package e2e

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// mailHost is a real mail host on loopback: Postfix takes mail by SMTP and hands
// it to Dovecot, whose every address of the known domains is a mailbox.
type mailHost struct {
	SMTP, IMAP, DNS string
	Dir             string
}

// hostName is the authserv-id the host stamps and the name it greets with.
const hostName = "mx.example.com"

// publishedRecords are what a domain that sends mail publishes.
var publishedRecords = map[string]string{
	"example.com": "v=spf1 a:mx.example.com -all", "_dmarc.example.com": "v=DMARC1; p=quarantine",
}

// domains the host delivers for; any other is refused.
var domains = []string{"example.com", "example.net", "example.org"}

// Domains at which the host takes mail and delivers none.
const (
	// usersDomain is that of the host's own users, of whom there are none: mail
	// for it is taken, and comes back once the host has looked for the user.
	usersDomain = "users.example.org"
	// farDomain lies behind a next hop that cannot be reached. After a second the
	// host says that mail for it is late, and keeps trying.
	farDomain = "far.example.org"
	// Below strangersDomain the host throws mail away.
	strangersDomain = "strangers.example.org"
)

// mailPassword opens every mailbox.
const mailPassword = "demo"

func startMailHost(t *testing.T) *mailHost {
	t.Helper()
	if os.Getuid() != 0 {
		t.Fatal("Dovecot and Postfix need root to start here; run make e2e as root")
	}
	h := &mailHost{Dir: openTempDir(t), SMTP: freePort(t), IMAP: freePort(t), DNS: startDNS(t, publishedRecords)}
	lmtp := freePort(t)
	h.startDovecot(t, lmtp)
	h.startPostfix(t, lmtp)
	waitPort(t, h.IMAP)
	waitPort(t, h.SMTP)
	return h
}

// openTempDir is a folder that the servers' own users may enter.
func openTempDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "signpost-e2e-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// freePort names a loopback address nobody listens on just now.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func portOf(address string) string {
	_, port, _ := net.SplitHostPort(address)
	return port
}

// waitPort returns when somebody listens.
func waitPort(t *testing.T, address string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	for {
		conn, err := net.DialTimeout("tcp", address, time.Second)
		if err == nil {
			conn.Close()
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("nobody listens on %s: %v", address, err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// daemon starts a server in the foreground of its own process group and stops
// it, and only it, when the test ends.
func daemon(t *testing.T, log string, name string, args ...string) {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
		done := make(chan struct{})
		go func() { cmd.Wait(); close(done) }()
		select {
		case <-done:
		case <-time.After(5 * time.Second):
			syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
			<-done
		}
		if t.Failed() {
			text, _ := os.ReadFile(log)
			t.Logf("%s said: %s\n%s", name, out.String(), tail(string(text), 4000))
		}
	})
}

func tail(s string, n int) string { return s[max(0, len(s)-n):] }

func (h *mailHost) startDovecot(t *testing.T, lmtp string) {
	t.Helper()
	dir := filepath.Join(h.Dir, "dovecot")
	mails := filepath.Join(dir, "mail")
	log := filepath.Join(dir, "dovecot.log")
	writeFile(t, filepath.Join(dir, "dovecot.conf"), fmt.Sprintf(`
protocols = imap lmtp
listen = 127.0.0.1
base_dir = %[1]s/run
state_dir = %[1]s/state
log_path = %[2]s
ssl = no
disable_plaintext_auth = no
auth_username_format = %%Lu
recipient_delimiter = +
mail_location = maildir:%[3]s/%%u
mail_uid = nobody
mail_gid = nogroup
first_valid_uid = 1
lda_mailbox_autocreate = yes
default_process_limit = 400
passdb {
  driver = static
  args = password=%[4]s
}
userdb {
  driver = static
  args = uid=nobody gid=nogroup home=%[3]s/%%u allow_all_users=yes
}
service imap-login {
  inet_listener imap {
    address = 127.0.0.1
    port = %[5]s
  }
  inet_listener imaps {
    port = 0
  }
}
service lmtp {
  inet_listener lmtp {
    address = 127.0.0.1
    port = %[6]s
  }
}
mail_max_userip_connections = 100
submission_host = %[7]s
protocol lmtp {
  mail_plugins = sieve
}
plugin {
  sieve = file:%[1]s/sieve/%%u.sieve
}
`, dir, log, mails, mailPassword, portOf(h.IMAP), portOf(lmtp), h.SMTP))
	for _, d := range []string{
		mails, filepath.Join(dir, "run"), filepath.Join(dir, "state"), filepath.Join(dir, "sieve"),
	} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, d := range []string{mails, filepath.Join(dir, "sieve")} { // where the mailboxes' own user writes
		if err := os.Chown(d, 65534, 65534); err != nil {
			t.Fatal(err)
		}
	}
	daemon(t, log, "/usr/sbin/dovecot", "-F", "-c", filepath.Join(dir, "dovecot.conf"))
	waitPort(t, lmtp)
}

func (h *mailHost) startPostfix(t *testing.T, lmtp string) {
	t.Helper()
	dir := filepath.Join(h.Dir, "postfix")
	log := filepath.Join(dir, "log", "mail.log")
	// The border stamps what it found of the sender, above its own Received, as
	// a real host does.
	writeFile(t, filepath.Join(dir, "conf", "stamp"),
		"/@spoofed\\.example$/ PREPEND Authentication-Results: "+hostName+"; spf=fail smtp.mailfrom=spoofed.example\n"+
			"/@(.+)$/ PREPEND Authentication-Results: "+hostName+"; spf=pass smtp.mailfrom=$1\n")
	writeFile(t, filepath.Join(dir, "conf", "main.cf"), fmt.Sprintf(`
compatibility_level = 3.6
queue_directory = %[1]s/queue
data_directory = %[1]s/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
maillog_file = %[2]s
maillog_file_prefixes = %[1]s
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = %[3]s
mydomain = example.com
mydestination = %[6]s
transport_maps = inline:{%[7]s=smtp:[127.0.0.1]:%[8]s, .%[9]s=discard:}
delay_warning_time = 1s
minimal_backoff_time = 1s
queue_run_delay = 1s
local_recipient_maps =
alias_maps =
alias_database =
mynetworks = 127.0.0.0/8
recipient_delimiter = +
virtual_mailbox_domains = %[4]s
virtual_mailbox_maps = static:ok
virtual_transport = lmtp:inet:%[5]s
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_sender_restrictions = check_sender_access regexp:%[1]s/conf/stamp
default_transport = error:5.1.2 unknown domain
smtputf8_enable = yes
smtpd_client_connection_count_limit = 0
smtpd_client_connection_rate_limit = 0
default_destination_concurrency_limit = 20
lmtp_destination_concurrency_limit = 20
in_flow_delay = 0
`, dir, log, hostName, strings.Join(domains, ", "), lmtp, usersDomain, farDomain, portOf(freePort(t)), strangersDomain))
	writeFile(t, filepath.Join(dir, "conf", "master.cf"), strings.ReplaceAll(masterCF, "SMTP_PORT", portOf(h.SMTP)))
	for _, d := range []string{"queue", "data", "log"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	chownTo(t, filepath.Join(dir, "data"), "postfix")
	check := exec.Command("/usr/sbin/postfix", "-c", filepath.Join(dir, "conf"), "check")
	if out, err := check.CombinedOutput(); err != nil {
		t.Fatalf("postfix check: %v\n%s", err, out)
	}
	daemon(t, log, "/usr/lib/postfix/sbin/master", "-c", filepath.Join(dir, "conf"), "-d")
}

// masterCF starts every Postfix service outside a chroot.
const masterCF = `
127.0.0.1:SMTP_PORT inet n - n - - smtpd
pickup    unix  n - n 60 1 pickup
cleanup   unix  n - n - 0 cleanup
qmgr      unix  n - n 300 1 qmgr
tlsmgr    unix  - - n 1000? 1 tlsmgr
rewrite   unix  - - n - - trivial-rewrite
bounce    unix  - - n - 0 bounce
defer     unix  - - n - 0 bounce
trace     unix  - - n - 0 bounce
verify    unix  - - n - 1 verify
flush     unix  n - n 1000? 0 flush
proxymap  unix  - - n - - proxymap
proxywrite unix - - n - 1 proxymap
smtp      unix  - - n - - smtp
relay     unix  - - n - - smtp
error     unix  - - n - - error
retry     unix  - - n - - error
discard   unix  - - n - - discard
local     unix  - n n - - local
virtual   unix  - n n - - virtual
lmtp      unix  - - n - - lmtp
anvil     unix  - - n - 1 anvil
scache    unix  - - n - 1 scache
postlog   unix-dgram n - n - 1 postlogd
`

func chownTo(t *testing.T, path, user string) {
	t.Helper()
	if out, err := exec.Command("chown", "-R", user, path).CombinedOutput(); err != nil {
		t.Fatalf("chown %s: %v %s", path, err, out)
	}
}
