package two

import _ "unsafe"

//go:linkname body fixtures/duplicate.shared
//go:noinline
func body() { println("two") }

func Call() { body() }
