// Assembly: ABI0 functions and their ABIInternal wrappers, both ways, static data and file-local symbols.
package main

func add(a, b int64) int64
func twice(n int64) int64
func callback(n int64) int64
func constant() int64

// double is called from assembly by its ABI0 wrapper.
func double(n int64) int64 { return n * 2 }

var fromAssembly int64

func main() {
	f := add
	println(f(1, 2), twice(21), callback(4), constant(), fromAssembly)
}
