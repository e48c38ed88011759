//go:build pointers

// The same with data that the collector looks at.
package main

var a [128000000]*byte

var b [128000000]*byte

func main() {
	a[7] = new(byte)
	b[len(a[2:])-7] = a[5]
	println(*a[7])
}
