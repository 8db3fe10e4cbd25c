// Command train learns the weights of mail/triage from the texts beside it and from the
// stories of triage's tests. Run it by `go generate ./mail/triage`.
//
// A logistic regression is fitted by stochastic gradient descent with AdaGrad's steps and
// an L2 penalty. The order of the texts comes from a fixed seed, so the same texts yield
// the same weights. With -cross it prints how the weights judge texts that they did not
// learn from, whole blocks of situations left out at a time.
package main

import (
	"cmp"
	"encoding/binary"
	"flag"
	"fmt"
	"log"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"slices"

	"signpost/mail/triage"
)

// How the weights are learned; changed only with a look at what -cross prints.
const (
	seed      = 1
	epochs    = 40
	step      = 0.1
	penalty   = 1e-4
	minTexts  = 2 // that bear a sign
	maxSigns  = 40000
	maxWeight = 30000
)

func main() {
	root := flag.String("triage", ".", "folder of mail/triage")
	cross := flag.Bool("cross", false, "print cross-validated figures instead")
	flag.Parse()
	texts, err := load(*root)
	if err != nil {
		log.Fatal(err)
	}
	if *cross {
		crossValidate(texts)
		return
	}
	file := generate(texts)
	if err := os.WriteFile(*root+"/weights.dat", file, 0o644); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("seed %d, %d texts, %d bytes\n", seed, len(texts), len(file))
}

// generate returns the file of weights.
func generate(texts []*text) (file []byte) {
	w := prune(learn(texts))
	for _, sign := range slices.Sorted(maps.Keys(w)) {
		file = binary.BigEndian.AppendUint32(file, uint32(sign))
		file = binary.BigEndian.AppendUint16(file, uint16(w[sign]))
	}
	return file
}

// prune rounds to hundredths and keeps the largest.
func prune(w map[triage.Sign]float64) map[triage.Sign]int16 {
	signs := slices.SortedFunc(maps.Keys(w), func(a, b triage.Sign) int {
		return cmp.Or(cmp.Compare(math.Abs(w[b]), math.Abs(w[a])), cmp.Compare(a, b))
	})
	kept := map[triage.Sign]int16{}
	for _, sign := range signs[:min(maxSigns, len(signs))] {
		if n := math.Round(100 * w[sign]); n != 0 {
			kept[sign] = int16(max(-maxWeight, min(maxWeight, n)))
		}
	}
	return kept
}

// example is a text as the regression sees it.
type example struct {
	at     []int // places of its signs' weights
	value  []float64
	notice float64 // 1 or 0
	share  float64 // how much it counts
}

// learn fits the weights.
func learn(texts []*text) map[triage.Sign]float64 {
	list, signs := examples(texts)
	w, steps := make([]float64, len(signs)), make([]float64, len(signs))
	r := rand.New(rand.NewPCG(seed, seed))
	order := r.Perm(len(list))
	for range epochs {
		r.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		for _, k := range order {
			list[k].descend(w, steps)
		}
	}
	weights := make(map[triage.Sign]float64, len(signs))
	for i, sign := range signs {
		weights[sign] = w[i]
	}
	return weights
}

// descend moves the weights of one example's signs. The conversions keep compilers from
// fusing a product into a sum, which would round otherwise on some machines.
func (e *example) descend(w, steps []float64) {
	score := 0.0
	for j, i := range e.at {
		score += float64(w[i] * e.value[j])
	}
	fault := (1/(1+math.Exp(-score)) - e.notice) * e.share
	for j, i := range e.at {
		slope := float64(fault*e.value[j]) + float64(penalty*w[i])
		steps[i] += float64(slope * slope)
		w[i] -= step * slope / math.Sqrt(steps[i]+1e-6)
	}
}

// examples numbers the signs that enough texts bear.
func examples(texts []*text) (list []example, signs []triage.Sign) {
	bear := map[triage.Sign]int{}
	for _, t := range texts {
		for _, sign := range t.signs {
			bear[sign]++
		}
	}
	place := map[triage.Sign]int{}
	for _, t := range texts {
		e := example{notice: t.notice(), share: t.share}
		for _, sign := range t.signs {
			if bear[sign] < minTexts {
				continue
			}
			at, ok := place[sign]
			if !ok {
				at = len(signs)
				place[sign] = at
				signs = append(signs, sign)
			}
			e.at = append(e.at, at)
			e.value = append(e.value, triage.Value(sign, t.words))
		}
		list = append(list, e)
	}
	return list, signs
}
