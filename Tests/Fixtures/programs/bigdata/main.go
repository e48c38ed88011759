// Large symbols in every data section, with and without pointers: sizes, alignments, GC programs.
package main

import "fmt"

type node struct {
	next *node
	pad  [3]uint64
	name string
}

var (
	initialised  = [5000]uint32{1, 2, 3, 4999: 4}
	bytes        = [4097]byte{0: 1, 4096: 2}
	nodes        = [300]node{{name: "first"}, {name: "second"}, 299: {name: "last"}}
	zeroPointers [100000]*node
	zeroStructs  [3000]node
	zeroNumbers  [1 << 20]uint64
	oddBytes     [12345]byte
	mixed        [50]struct {
		a byte
		p *int
		b [7]byte
		q any
	}
	nodePointer = &nodes[17]
)

func main() {
	zeroPointers[5] = nodePointer
	zeroStructs[2999].next = &nodes[0]
	zeroNumbers[3], oddBytes[9], mixed[4].q = 1, 2, initialised[4999]
	fmt.Println(zeroPointers[5].name, zeroNumbers[3], oddBytes[9], bytes[4096], mixed[4].q)
}
