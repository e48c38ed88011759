package push

import _ "unsafe"

//go:linkname body fixtures/linkname/impl.pushed
func body() string { return "pushed" }
