// Method values and expressions, promoted methods and their wrappers, embedded interfaces and pointers.
package main

import (
	"bytes"
	"fmt"
	"io"
	"sort"
)

type base struct{ n int }

func (b base) Get() int   { return b.n }
func (b *base) Set(n int) { b.n = n }

type middle struct{ *base }
type outer struct {
	middle
	io.Writer
	sort.Interface
}

type getter interface{ Get() int }
type setter interface{ Set(int) }

func main() {
	o := outer{middle{&base{1}}, &bytes.Buffer{}, sort.IntSlice{3, 1, 2}}
	get, set := base.Get, (*base).Set
	set(o.base, 4)
	bound := o.Set
	bound(get(*o.base) + 1)
	sort.Sort(sort.Reverse(o))
	fmt.Fprint(o, o.Interface)
	fmt.Println(getter(o).Get(), outer.Get(o), o.Len())
	setter(o).Set(9)
	fmt.Println(o.Get(), o.Writer)
}
