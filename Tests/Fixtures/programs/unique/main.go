// unique, weak pointers, cleanups, maphash, atomic pointers: generic code of the runtime's neighbours.
package main

import (
	"fmt"
	"hash/maphash"
	"runtime"
	"sync/atomic"
	"unique"
	"weak"
)

type key struct {
	a string
	b int
}

func main() {
	x, y := unique.Make(key{"a", 1}), unique.Make(key{"a", 1})
	value := new(string)
	w := weak.Make(value)
	runtime.AddCleanup(value, func(n int) {}, 1)
	var p atomic.Pointer[key]
	p.Store(&key{"p", 2})
	fmt.Println(x == y, w.Value() == value, p.Load().a, maphash.Comparable(maphash.MakeSeed(), x) != 0)
}
