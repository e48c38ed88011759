// A chain of nosplit functions that just fits the stack that is guaranteed to them.
package main

//go:nosplit
func first(p *[8]byte) byte { var b [200]byte; b[p[0]] = p[1]; return second(&b) + b[p[2]] }

//go:nosplit
//go:noinline
func second(p *[200]byte) byte { var b [200]byte; b[p[0]] = p[1]; return third(&b) + b[p[2]] }

//go:nosplit
//go:noinline
func third(p *[200]byte) byte { return p[3] }

func main() { println(first(&[8]byte{1, 2, 3})) }
