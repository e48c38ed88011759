// Switches that become jump tables and binary searches, and a function with many lines and stack depths.
package main

import (
	"fmt"
	"os"
)

func number(n int) string {
	switch n {
	case 0:
		return "zero"
	case 1:
		return "one"
	case 2:
		return "two"
	case 3:
		return "three"
	case 4:
		return "four"
	case 5:
		return "five"
	case 6:
		return "six"
	case 7:
		return "seven"
	case 8:
		return "eight"
	case 9:
		return "nine"
	}
	return "many"
}

func word(s string) int {
	switch s {
	case "alpha":
		return 1
	case "bravo":
		return 2
	case "charlie":
		return 3
	case "delta":
		return 4
	case "echo":
		return 5
	case "foxtrot":
		return 6
	case "golf":
		return 7
	case "hotel":
		return 8
	case "india":
		return 9
	}
	return 0
}

func main() { fmt.Println(number(len(os.Args)), word(os.Args[0])) }
