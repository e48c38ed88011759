package impl

import (
	_ "unsafe"

	_ "fixtures/linkname/push"
)

//go:linkname hidden
func hidden(n int) int { counter++; return 2*n + counter }

//go:linkname counter
var counter = 1

//go:linkname pushed
func pushed() string

func Pushed() string { return pushed() }
