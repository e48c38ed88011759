// Closures, nested and generic ones, method values, deferred closures, range over functions.
package main

import (
	"fmt"
	"iter"
)

type counter struct{ n int }

func (c *counter) next() int { c.n++; return c.n }

func adders() (fs []func(int) int) {
	for i := range 3 {
		fs = append(fs, func(x int) int {
			return func() int { defer func() { i++ }(); return x + i }()
		})
	}
	return
}

func numbers[T ~int](limit T) iter.Seq2[int, T] {
	return func(yield func(int, T) bool) {
		for i := T(0); i < limit; i++ {
			if !yield(int(i), i*i) {
				return
			}
		}
	}
}

var table = [...]func() int{func() int { return 1 }, (&counter{41}).next, func() int { return len(adders()) }}

func main() {
	next := (&counter{}).next
	for _, f := range adders() {
		fmt.Println(f(next()))
	}
	for i, sq := range numbers(5) {
		if i > 2 {
			break
		}
		fmt.Println(sq, table[i]())
	}
}
