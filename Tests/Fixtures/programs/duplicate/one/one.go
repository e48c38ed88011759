package one

import _ "unsafe"

//go:linkname body fixtures/duplicate.shared
//go:noinline
func body() { println("one") }

func Call() { body() }
