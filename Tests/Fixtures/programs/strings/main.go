// Strings: large, shared between packages, equal ones, bytes made of strings, all lengths up to 70.
package main

import (
	"fmt"
	"strings"

	"fixtures/strings/other"
)

const long = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" +
	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
const longer = long + long + long + long + long + long + long + long
const longest = longer + longer + longer + longer + longer + longer + longer + longer + "\x00\xff"

var (
	table  = []string{"", "a", "ab", "abc", "abcd", "abcde", "abcdef", "same in both packages", long, longer, longest}
	raw    = []byte("bytes of a string \x00\x01\x02")
	runes  = []rune("größer als ASCII: 世界")
	arrays = [...][2]string{{"left", "right"}, {"same in both packages", "right"}}
)

func main() {
	for _, s := range append(table, other.Words...) {
		fmt.Println(len(s), strings.Contains(longest, s))
	}
	fmt.Println(len(raw), string(runes), arrays[1][0] == other.Words[0])
}
