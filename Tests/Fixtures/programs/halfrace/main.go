// Compiled with -race, but not so the runtime: the calls that the compiler adds have no target.
package main

//go:noinline
//go:nosplit
func callee(x int) {
}

func main() {
	callee(9)
}
