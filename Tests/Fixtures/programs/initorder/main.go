// Init order: by dependency, then by package path; packages without init work are left out.
package main

import (
	"fixtures/initorder/a"
	"fixtures/initorder/b"
	"fixtures/initorder/none"
)

var total = a.Value + b.Value

func init() { println("main", total) }

func main() { println(none.Twice(total)) }
