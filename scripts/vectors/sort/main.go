// Prints the vectors of Tests/ImageWriterTests/GoSortTests.swift: what Go's own sort and math/rand make of
// inputs that the test generates in the same way (usage: go run ./scripts/vectors/sort).
package main

import (
	"fmt"
	"math/rand"
	"slices"
	"sort"
)

type item struct{ key, id uint32 }

type splitmix uint64

func (s *splitmix) next() uint64 {
	*s += 0x9e3779b97f4a7c15
	z := uint64(*s)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// keys of pattern p, n of them, from k different values.
func input(p int, k, n uint32) []item {
	r := splitmix(uint64(p)<<48 | uint64(k)<<24 | uint64(n))
	v := make([]item, n)
	for i := range v {
		i := uint32(i)
		var key uint32
		switch p {
		case 0: // random
			key = uint32(r.next() % uint64(k))
		case 1: // ascending in runs of equals
			key = i * k / n
		case 2: // descending
			key = (n - i) * k / n
		case 3: // sawtooth
			key = i % k
		case 4: // organ pipe
			key = min(i, n-i) * k / n
		case 5, 6: // ascending, a few displaced
			key = i * k / n
		}
		v[i] = item{key, i}
	}
	if n > 0 && p >= 5 {
		for range 2 * (p - 4) {
			v[r.next()%uint64(n)].key = uint32(r.next() % uint64(k))
		}
	}
	return v
}

func mix(h uint64, v []item) uint64 {
	for _, x := range v {
		h = (h ^ uint64(x.id)) * 0x100000001b3
	}
	return h
}

// McIlroy's adversary: decides the order while it is asked, so as to make a quicksort quadratic.
type adversary struct {
	value            []int
	gas, next, pivot int
}

func newAdversary(n int) *adversary {
	a := &adversary{value: make([]int, n), gas: n, pivot: 0}
	for i := range a.value {
		a.value[i] = n
	}
	return a
}

func (a *adversary) less(x, y int) bool {
	if a.value[x] == a.gas && a.value[y] == a.gas {
		if y == a.pivot {
			a.value[y] = a.next
		} else {
			a.value[x] = a.next
		}
		a.next++
	}
	if a.value[x] == a.gas {
		a.pivot = x
	} else if a.value[y] == a.gas {
		a.pivot = y
	}
	return a.value[x] < a.value[y]
}

func main() {
	classes := [][3]uint32{{0, 70, 1}, {71, 1000, 37}, {1000, 5000, 487}}
	for p := 0; p < 7; p++ {
		for _, k := range []uint32{1, 2, 7, 60, 700, 100000} {
			fmt.Printf("    Vector(pattern: %d, keys: %d, hashes: [", p, k)
			for i, c := range classes {
				h := uint64(0xcbf29ce484222325)
				for n := c[0]; n <= c[1]; n += c[2] {
					a, b := input(p, k, n), input(p, k, n)
					sort.Slice(a, func(i, j int) bool { return a[i].key < a[j].key })
					slices.SortFunc(b, func(x, y item) int { return int(x.key) - int(y.key) })
					if !slices.Equal(a, b) {
						panic("sort and slices differ")
					}
					h = mix(h, a)
				}
				if i > 0 {
					fmt.Print(", ")
				}
				fmt.Printf("%#016x", h)
			}
			fmt.Println("]),")
		}
	}
	for _, n := range []int{50, 200, 1000, 3000} {
		a := newAdversary(n)
		ids := make([]item, n)
		for i := range ids {
			ids[i].id = uint32(i)
		}
		asked := 0
		sort.Slice(ids, func(i, j int) bool {
			asked++
			return a.less(int(ids[i].id), int(ids[j].id))
		})
		fmt.Printf("    Adversary(count: %d, comparisons: %d, hash: %#016x),\n", n, asked, mix(0xcbf29ce484222325, ids))
	}
	for _, seed := range []int64{1, 2, -7, 0, 1 << 40, -1 << 63, 2147483647, 20260101} {
		for _, n := range []int{0, 1, 2, 100, 40000} {
			ids := make([]item, n)
			for i := range ids {
				ids[i].id = uint32(i)
			}
			r := rand.New(rand.NewSource(seed))
			r.Shuffle(n, func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
			fmt.Printf("    Shuffle(seed: %d, count: %d, hash: %#016x),\n", seed, n, mix(0xcbf29ce484222325, ids))
		}
		r := rand.New(rand.NewSource(seed))
		fmt.Printf("    // Int63n(1<<62+1), after it Int63n(1000), Uint64: %d %d %#x\n", r.Int63n(1<<62+1), r.Int63n(1000), r.Uint64())
	}
}
