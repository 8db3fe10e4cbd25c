package doctor

import (
	"maps"
	"os"
	"runtime"
	"slices"

	"signpost/cmd/signpost/config"
)

// checkModes looks at who on this machine may read the secrets and the data, and
// the configuration where it holds a webhook, whose address is a secret.
func checkModes(cfg config.Config, file string, r *report) {
	if runtime.GOOS == "windows" {
		return // its files have no such modes
	}
	const heading = "Who can read secrets and data"
	notes := r.notes
	files := cfg.SecretFiles()
	for _, key := range slices.Sorted(maps.Keys(files)) {
		checkMode(r, heading, key, files[key], "600", "With it others act as this service.")
	}
	if cfg.Alarm.Webhook != "" {
		checkMode(r, heading, "the configuration", file, "600",
			"It holds the address of alarm.webhook, by which others send alarms.")
	}
	data := cfg.Service.Data
	if checkMode(r, heading, "the data folder", data, "700", "It holds partners' addresses, texts and files.") {
		checkMode(r, heading, "the database", cfg.Service.Database(), "600",
			"It holds partners' addresses and texts.")
	}
	if r.notes == notes {
		r.good(heading, "only the user whom they belong to")
	}
}

// checkMode notes a file or folder that is open to others than its owner. One that
// is not there is told of by what needs it.
func checkMode(r *report, heading, what, path, mode, why string) (open bool) {
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm()&0o077 == 0 {
		return false
	}
	who := "the users of its group"
	if info.Mode().Perm()&0o007 != 0 {
		who = "every user of this machine"
	}
	r.warn(heading, "%s %s is open to %s (mode %04o). %s\nchmod %s %s, and give it to the user under which signpost "+
		"serve runs.",
		what, path, who, info.Mode().Perm(), why, mode, path)
	return true
}
