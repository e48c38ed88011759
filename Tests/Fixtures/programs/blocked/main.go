// A go:linkname reference that the linker blocks, since runtime does not offer that symbol.
package main

import _ "unsafe"

//go:linkname addrRanges runtime.newproc1
func addrRanges()

func main() { addrRanges() }
