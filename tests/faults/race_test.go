package faults

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"
)

// TestOneID: eight workers do what they like to one id, then one delete --force
// must leave nothing. No call may take five seconds.
func TestOneID(t *testing.T) {
	p := newPlace(t)
	rounds := 30
	if full {
		rounds = 1000
	}
	ops := [][]string{{"create", "box"}, {"start", "box"}, {"kill", "box", "KILL"}, {"delete", "--force", "box"}, {"state", "box"}}
	for round := range rounds {
		var wg sync.WaitGroup
		for worker := range 8 {
			wg.Go(func() {
				random := rand.New(rand.NewPCG(uint64(round), uint64(worker)))
				for range 3 {
					op := ops[random.IntN(len(ops))]
					r := p.do(20*time.Second, nil, op...)
					if r.took > 5*time.Second || r.crashed() || r.code < 0 {
						t.Errorf("round %d, %v: %v", round, op, r)
					}
				}
			})
		}
		wg.Wait()
		p.deleteAll(fmt.Sprintf("round %d", round))
	}
}

// TestOneCreateWins: of many creates of one id one succeeds, and the others say
// that the id is taken.
func TestOneCreateWins(t *testing.T) {
	p := newPlace(t)
	for round := range 5 {
		results := make([]result, 6)
		var wg sync.WaitGroup
		for i := range results {
			wg.Go(func() { results[i] = p.do(20*time.Second, nil, "create", "box") })
		}
		wg.Wait()
		won := 0
		for _, r := range results {
			if r.code == 0 {
				won++
			} else if r.code != 1 || !contains(r.text, "already exists", "in use") {
				t.Errorf("round %d: %v", round, r)
			}
		}
		if won != 1 {
			t.Errorf("round %d: %d creates have won: %v", round, won, results)
		}
		p.rtOK("start", "box")
		p.deleteAll(fmt.Sprintf("round %d", round))
	}
}

// TestRandomKill kills rt at random times of its life.
func TestRandomKill(t *testing.T) {
	p := newPlace(t)
	n := 60
	if full {
		n = 2000
	}
	random := rand.New(rand.NewPCG(1, 2))
	for i := range n {
		verb := []string{"create", "box"}
		if i%2 == 1 {
			verb = []string{"run", "-d", "box"}
		}
		after := time.Duration(random.IntN(15_000)) * time.Microsecond
		if r := p.do(after, nil, verb...); r.crashed() {
			t.Errorf("%v killed after %v: %v", verb, after, r)
		}
		p.deleteAll(fmt.Sprintf("%v killed after %v", verb, after))
	}
}
