// Two packages define the same symbol.
package main

import (
	"fixtures/duplicate/one"
	"fixtures/duplicate/two"
)

func main() { one.Call(); two.Call() }
