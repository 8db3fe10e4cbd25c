package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	runtimemetrics "runtime/metrics"
	"time"

	"signpost/cmd/signpost/archive"
	"signpost/cmd/signpost/config"
	"signpost/cmd/signpost/doctor"
	"signpost/cmd/signpost/upkeep"
	"signpost/intake/ops"
)

// backupOld is how old the last backup may be before it is shown amber.
const backupOld = 7 * 24 * time.Hour

// selfChecks is what the service tells of itself.
func (a *App) selfChecks(context.Context) []ops.Check {
	now := time.Now()
	return []ops.Check{
		{Name: "Version", Value: version()},
		{Name: "Running since", Value: fmt.Sprintf("%s UTC (%v)", a.began.UTC().Format("2 Jan 15:04:05"),
			now.Sub(a.began).Round(time.Second))},
		clockCheck(),
		a.diskCheck(now),
		a.databaseCheck(),
		a.commitCheck(),
		{Name: "Memory", Value: config.Bytes(memoryHeld()).Words(),
			Note: config.Bytes(upkeep.Living()).Words() + " of it live"},
		a.backupCheck(now),
	}
}

func clockCheck() ops.Check {
	c := ops.Check{Name: "Clock", Value: time.Now().UTC().Format("15:04:05 UTC")}
	switch state := doctor.ClockState(); {
	case state.Unknown != "":
		c.Note = state.Unknown
	case !state.Kept:
		c.Note, c.Tone = "no time service keeps the clock of this machine right, and promised dates depend on it", "amber"
	default:
		c.Note = fmt.Sprintf("kept right, off by at most %v", state.Off)
	}
	return c
}

func (a *App) diskCheck(now time.Time) ops.Check {
	c := ops.Check{Name: "Disk"}
	free, size, err := a.disk.Room()
	if err != nil {
		c.Value, c.Note = "not known", err.Error()
		return c
	}
	c.Value = fmt.Sprintf("%s free of %s", config.Bytes(free).Words(), config.Bytes(size).Words())
	if in, yes := a.disk.Fills(now); yes {
		c.Note = fmt.Sprintf("full in %v at the pace of the last hour", in.Round(time.Minute))
	}
	switch {
	case free < int64(a.cfg.Form.UploadFloor):
		c.Note, c.Tone = "no files are taken below "+a.cfg.Form.UploadFloor.Words(), "red"
	case free < int64(a.cfg.Alarm.DiskFloor):
		c.Tone = "amber"
	}
	return c
}

func (a *App) databaseCheck() ops.Check {
	c := ops.Check{Name: "Database"}
	info, err := os.Stat(a.cfg.Service.Database())
	if err != nil {
		c.Value, c.Tone = err.Error(), "red"
		return c
	}
	c.Value = config.Bytes(info.Size()).Words()
	if budget := int64(a.cfg.Service.DiskBudget); budget > 0 {
		c.Value += " of " + config.Bytes(budget).Words()
		if info.Size() > budget/10*9 {
			c.Note, c.Tone = "beyond service.disk_budget nothing more is taken", "amber"
		}
	}
	return c
}

func (a *App) commitCheck() ops.Check {
	c := ops.Check{Name: "Commits", Value: "none yet"}
	if half, most, n := a.metrics.Commits(); n > 0 {
		c.Value = fmt.Sprintf("p50 %s, p99 %s", millis(half), millis(most))
		c.Note = fmt.Sprintf("of the last %d", n)
		if most > time.Second {
			c.Note, c.Tone = c.Note+"; the disk is slow, and every partner waits for it", "amber"
		}
	}
	return c
}

func millis(d time.Duration) string {
	return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
}

// memoryHeld is how many bytes the process has of the system.
func memoryHeld() int64 {
	samples := []runtimemetrics.Sample{{Name: "/memory/classes/total:bytes"},
		{Name: "/memory/classes/heap/released:bytes"}}
	runtimemetrics.Read(samples)
	return int64(samples[0].Value.Uint64() - samples[1].Value.Uint64())
}

func (a *App) backupCheck(now time.Time) ops.Check {
	c := ops.Check{Name: "Last backup", Value: "none recorded", Note: "only a backup by signpost backup is recorded",
		Tone: "amber"}
	last, err := archive.Last(a.cfg.Service.Data)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return c
	case err != nil:
		c.Note = err.Error()
		return c
	}
	c.Value = fmt.Sprintf("%s UTC, %s", last.At.UTC().Format("2 Jan 15:04"), config.Bytes(last.Bytes).Words())
	c.Note, c.Tone = last.To, ""
	if now.Sub(last.At) > backupOld {
		c.Tone = "amber"
	}
	return c
}

// mayUpload tells whether there is room for files.
func (a *App) mayUpload() bool { return a.disk.HasRoom(int64(a.cfg.Form.UploadFloor)) }
