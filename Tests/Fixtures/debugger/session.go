// The program that scripts/debugger debugs. It looks for lines by their comments `stop: NAME`, not by their numbers.
package main

import (
	"errors"
	"fmt"
	"os"
)

type shape interface {
	area() int
}

type square struct {
	side int
	name string
}

func (s square) area() int { return s.side * s.side }

type node[T any] struct {
	value T
	next  *node[T]
}

var total = 40

//go:noinline
func work(text string, numbers []int, table map[string]int, thing shape) (result int, err error) {
	sum := 0 // stop: entry
	for _, n := range numbers {
		sum += n
	}
	sum += table["two"]
	list := &node[string]{value: "head", next: &node[string]{value: "tail"}}
	failure := errors.New("no failure")
	pair := square{side: sum, name: text}
	result = measure(thing) + sum                                 // stop: call
	fmt.Fprintln(os.Stderr, text, list.next.value, failure, pair) // stop: after
	return result, nil
}

//go:noinline
func measure(thing shape) int {
	area := thing.area() // stop: measure
	total++              // stop: count
	return area
}

func main() {
	numbers := []int{3, 5, 7, 11}
	table := map[string]int{"two": 2}
	result, err := work("some text", numbers, table, square{side: 6, name: "six"})
	total += result
	fmt.Println(total, err) // stop: end
}
