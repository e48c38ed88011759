//go:build !pointers

// A program with more data than a segment may have.
package main

var a [1000000000]byte

var b [1050000000]byte

func main() {
	b[len(a[2:])-7]++
	a[5] = b[9]
	println(a[5])
}
