// A program with a package of its own, whose archive the table's rows drop, cut and replace.
package main

import (
	"fmt"

	"fixtures/packages/sub"
)

func main() { fmt.Println(sub.Number(), sub.Name) }
