// Statically initialised globals of many shapes: pointers into symbols, function values, interfaces.
package main

import (
	"fmt"
	"math"
)

type ring struct {
	name string
	next *ring
	f    func(float64) float64
	any  any
}

var (
	a = ring{"a", &b, math.Sin, 1}
	b = ring{"b", &c, nil, "text"}
	c = ring{"c", nil, func(x float64) float64 { return -x }, &numbers}

	pointers   = []*int{&numbers[2], &numbers[0], nil}
	numbers    = [4]int{1, 2, 3, 4}
	interfaces = []any{1, "two", 3.0, 4i, []int{5}, map[string]int(nil), &numbers, ring{}, a.f, nil, true, 'x'}
	structs    = []struct {
		a int8
		b float32
		c complex128
		d *ring
	}{{1, 2.5, 3i, &a}, {4, math.MaxFloat32, 6, nil}}
	lookup    = [...]string{3: "three", 1: "one"}
	functions = map[string]func(float64) float64{"sin": math.Sin, "cos": math.Cos}
)

func main() {
	for r, i := &a, 0; r != nil; r, i = r.next, i+1 {
		fmt.Println(r.name, r.any != nil)
	}
	fmt.Println(*pointers[0], len(interfaces), structs[1].b, lookup[3], functions["cos"](0), 1.25e-7*float64(numbers[1]))
}
