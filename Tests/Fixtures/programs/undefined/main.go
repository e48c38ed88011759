// Functions that are declared and called but defined nowhere.
package main

func missing(n int) int
func gone() string

//go:noinline
func caller() int { return missing(1) + missing(2) }

func main() { println(caller(), gone(), missing(3)) }
