// go:linkname in both directions: a body pushed to another package's name, and a variable and function pulled.
package main

import (
	"fmt"
	"unsafe"

	"fixtures/linkname/impl"
)

//go:linkname hidden fixtures/linkname/impl.hidden
func hidden(n int) int

//go:linkname counter fixtures/linkname/impl.counter
var counter int

//go:linkname nanotime runtime.nanotime
func nanotime() int64

func main() {
	fmt.Println(hidden(20), counter, impl.Pushed(), nanotime() > 0, unsafe.Sizeof(counter))
}
