// Zero-sized symbols and types, and symbols that share their address.
package main

import "fmt"

type empty struct{}

func (empty) Method() string { return "method" }

var (
	nothing  empty
	array    [0]int
	pointers [0]*int
	several  [3]struct{}
	kept     = &nothing
	slice    = []empty{{}, {}}
	set      = map[string]struct{}{"a": {}}
	channel  = make(chan struct{}, 1)
)

func main() {
	channel <- nothing
	var s fmt.Stringer
	_, ok := any(kept).(interface{ Method() string })
	fmt.Println(len(array), len(pointers), len(several), len(slice), len(set), s == nil, ok, &array != nil)
}
