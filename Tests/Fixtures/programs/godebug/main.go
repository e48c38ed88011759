// GODEBUG defaults set by the main package travel to the linker as -X=runtime.godebugDefault.

//go:debug panicnil=1
//go:debug asynctimerchan=0
package main

import "fmt"

func main() {
	defer func() { fmt.Println(recover()) }()
	panic(nil)
}
