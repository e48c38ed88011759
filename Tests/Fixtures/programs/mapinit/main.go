// Package-level map literals: the ones nobody reads are pruned with their outlined init functions.
package main

import "fmt"

var used = map[string]int{"a": 1, "b": 2, "c": 3, "d": 4, "e": 5, "f": 6, "g": 7, "h": 8, "i": 9, "j": 10}

var unused = map[string]func() int{
	"a": one, "b": one, "c": one, "d": one, "e": one, "f": one, "g": one, "h": one, "i": one, "j": one, "k": one,
}

var nested = map[string]map[int]string{"x": {1: "one", 2: "two"}, "y": {3: "three"}, "z": nil, "w": {4: "four"}}

func one() int { return 1 }

func main() { fmt.Println(len(used), used["a"]) }
