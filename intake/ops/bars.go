package ops

import (
	"fmt"
	"strconv"

	"signpost/store"
)

// A bar chart is drawn in an SVG that stretches to its place; what is to be
// read stands around it as text, since text inside would stretch too.
const (
	columnWidth = 12  // of a column of the viewBox; an edge sets its bars apart
	barsHeight  = 100 // of the viewBox
	// leastHeight lets one of many be seen.
	leastHeight = 1.5
)

// point is a column of a chart and a row of its table.
type point struct {
	Label string
	tally store.Tally
}

// series is one kind of bar.
type series struct {
	Name, Class string // Class colours it
	of          func(store.Tally) uint64
}

// barChart is ready to be drawn.
type barChart struct {
	ID, Title, Desc string
	Width           int
	Top             string // what the top line stands for
	Bars            []bar
	Columns         []column
	Legend          []legend
	Axis            []string // labels at even distances, the first at the begin
}

type bar struct{ X, Y, Width, Height, Class string }

// column is what a pointer finds, with its words.
type column struct {
	X     int
	Words string
}

type legend struct{ Name, Class, Total string }

// drawing says what is to be drawn.
type drawing struct {
	id, title string
	points    []point
	series    []series
	stacked   bool // each series on top of the one before, else beside it
	labelled  int  // every how many columns stand over a label of the axis
}

func (d drawing) draw() barChart {
	c := barChart{ID: d.id, Title: d.title, Width: len(d.points) * columnWidth}
	highest, at := uint64(0), -1
	for i, p := range d.points {
		if n := d.height(p.tally); n > highest {
			highest, at = n, i
		}
		if i%d.labelled == 0 {
			c.Axis = append(c.Axis, p.Label)
		}
	}
	top := nice(highest)
	c.Top = count(top)
	for i, p := range d.points {
		c.Bars = append(c.Bars, d.bars(i, p.tally, top)...)
		c.Columns = append(c.Columns, column{i * columnWidth, p.Label + ": " + d.words(p.tally)})
	}
	var all store.Tally
	for _, p := range d.points {
		all.Add(p.tally)
	}
	for _, s := range d.series {
		c.Legend = append(c.Legend, legend{s.Name, s.Class, count(s.of(all))})
	}
	c.Desc = "In all " + d.words(all) + "."
	if at >= 0 {
		c.Desc += " Most at " + d.points[at].Label + ": " + d.words(d.points[at].tally) + "."
	}
	return c
}

// height is how much a column has to show.
func (d drawing) height(n store.Tally) (most uint64) {
	for _, s := range d.series {
		if d.stacked {
			most += s.of(n)
		} else {
			most = max(most, s.of(n))
		}
	}
	return most
}

func (d drawing) words(n store.Tally) (text string) {
	for i, s := range d.series {
		if i > 0 {
			text += ", "
		}
		text += count(s.of(n)) + " " + s.Name
	}
	return text
}

func (d drawing) bars(i int, n store.Tally, top uint64) (bars []bar) {
	x, width, base := float64(i*columnWidth), float64(columnWidth), float64(barsHeight)
	for at, s := range d.series {
		if !d.stacked && len(d.series) > 1 {
			width = columnWidth * []float64{0.7, 0.3}[at]
		}
		if value := s.of(n); value > 0 {
			height := max(barsHeight*float64(value)/float64(top), leastHeight)
			y := max(base-height, 0)
			bars = append(bars, bar{decimal(x), decimal(y), decimal(width), decimal(base - y), s.Class})
			if d.stacked {
				base = y
			}
		}
		if !d.stacked {
			x += width
		}
	}
	return bars
}

func decimal(f float64) string { return strconv.FormatFloat(f, 'f', -1, 32) }

// nice is the number at or above n that an axis may end in.
func nice(n uint64) uint64 {
	for step := uint64(1); ; step *= 10 {
		for _, m := range []uint64{1, 2, 5} {
			if step*m >= n {
				return step * m
			}
		}
		if step > n {
			return n
		}
	}
}

// count is a number as pages show it, in groups of three digits.
func count(n uint64) string {
	if n < 1000 {
		return strconv.FormatUint(n, 10)
	}
	return count(n/1000) + fmt.Sprintf(",%03d", n%1000)
}
