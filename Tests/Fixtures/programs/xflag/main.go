// -X sets string variables, initialised or not, here and in other packages.
package main

import (
	"fmt"

	"fixtures/xflag/version"
)

var (
	plain  string
	preset = "from the source"
	number = 7
	unread string
)

func main() { fmt.Println(plain, preset, number, version.Name) }
