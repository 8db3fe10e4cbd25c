package alarm

import (
	"fmt"
	"sync"
	"time"

	"signpost/cmd/signpost/config"
	"signpost/store"
	"signpost/store/durable"
)

const (
	// diskEvery is how often the free space is noted, diskLooked over how long
	// its pace is measured: a backup or a busy hour is no disk that fills.
	diskEvery  = time.Minute
	diskLooked = time.Hour
)

// Disk watches the room where the data lies. It is safe for concurrent use.
type Disk struct {
	folder string
	// room returns the bytes free for us and all there are.
	room func(folder string) (free, size int64, err error)

	mu    sync.Mutex
	notes []diskNote // oldest first, diskLooked long
}

type diskNote struct {
	at   time.Time
	free int64
}

// NewDisk watches the disk of a folder.
func NewDisk(folder string) *Disk { return &Disk{folder: folder, room: durable.Room} }

// free is the room there is; false where the system does not say.
func (d *Disk) free() (int64, bool) {
	free, _, err := d.Room()
	return free, err == nil
}

// HasRoom tells whether so many bytes are free, which counts as so where the system does
// not say.
func (d *Disk) HasRoom(floor int64) bool {
	free, ok := d.free()
	return !ok || free >= floor
}

// Room returns the bytes free for us and all there are.
func (d *Disk) Room() (free, size int64, err error) { return d.room(d.folder) }

// note looks at the room and remembers it.
func (d *Disk) note(now time.Time) {
	free, ok := d.free()
	d.mu.Lock()
	defer d.mu.Unlock()
	if n := len(d.notes); !ok || n > 0 && now.Sub(d.notes[n-1].at) < diskEvery {
		return
	}
	d.notes = append(d.notes, diskNote{now, free})
	for now.Sub(d.notes[0].at) > diskLooked+diskEvery {
		d.notes = d.notes[1:]
	}
}

// Fills tells when the disk is full at the pace of the last hour; false while
// nothing, or not for long enough, tells that it ever is.
func (d *Disk) Fills(now time.Time) (in time.Duration, yes bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.notes) < 2 {
		return 0, false
	}
	first, last := d.notes[0], d.notes[len(d.notes)-1]
	used, took := first.free-last.free, last.at.Sub(first.at)
	if used <= 0 || took < diskLooked-diskEvery || now.Sub(last.at) > 2*diskEvery {
		return 0, false
	}
	return time.Duration(float64(last.free) / float64(used) * float64(took)), true
}

// diskTroubles tells of a data folder that has little room, or soon will.
func (s *Subject) diskTroubles(now time.Time) (list []store.Trouble) {
	if s.Disk == nil {
		return nil
	}
	s.Disk.note(now)
	free, ok := s.Disk.free()
	if !ok {
		return nil
	}
	const mend = "Make room on the disk of the data folder, or give it a larger one. "
	switch floor := int64(s.Config.Alarm.DiskFloor); {
	case free < int64(s.Config.Form.UploadFloor):
		list = append(list, store.Trouble{
			Key: "disk", What: fmt.Sprintf("only %s are free for the data folder: no files are taken any more",
				config.Bytes(free).Words()), Level: 2,
			Do: mend + "Tickets are still taken, without files: partners are told so, and lose nothing they wrote.",
		})
	case free < floor:
		list = append(list, store.Trouble{
			Key: "disk", What: fmt.Sprintf("only %s are free for the data folder", config.Bytes(free).Words()), Level: 1,
			Do: mend + "Below " + s.Config.Form.UploadFloor.Words() + " the form takes no files any more.",
		})
	}
	if in, yes := s.Disk.Fills(now); yes && in < s.Config.Alarm.DiskFillsWithin {
		list = append(list, store.Trouble{
			Key: "disk-fills", What: fmt.Sprintf("the disk of the data folder is full in %v at the pace of the last hour; "+
				"%s are free", in.Round(time.Minute), config.Bytes(free).Words()),
			Do: "What writes so much? The data folder's blobs hold attachments, and what posts that were refused left, " +
				"for 48 hours.",
			Level: 3 - level(in, s.Config.Alarm.DiskFillsWithin/4, s.Config.Alarm.DiskFillsWithin/2),
		})
	}
	return list
}
