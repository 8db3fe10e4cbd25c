package archive

import (
	"encoding/json"
	"os"
	"path/filepath"
	"time"

	"signpost/store/durable"
)

// lastBackupFile notes when the data folder was last backed up.
const lastBackupFile = "last-backup.json"

// Noted is what is remembered of a backup.
type Noted struct {
	At    time.Time `json:"at"`
	To    string    `json:"to"`
	Bytes int64     `json:"bytes"`
}

// Note remembers in the data folder the backup that was made last.
func Note(data, to string, m Manifest) error {
	raw, err := json.Marshal(Noted{m.MadeAt, to, m.Database.Size + m.Bytes})
	if err != nil {
		return err
	}
	return durable.Replace(filepath.Join(data, lastBackupFile), durable.Bytes(raw))
}

// Last is the backup that was noted last; fs.ErrNotExist without one.
func Last(data string) (last Noted, err error) {
	raw, err := os.ReadFile(filepath.Join(data, lastBackupFile))
	if err != nil {
		return last, err
	}
	return last, json.Unmarshal(raw, &last)
}
