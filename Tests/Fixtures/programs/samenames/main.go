// Functions, types and variables of the same name in several packages, and local types of the same name in one.
package main

import (
	"fmt"

	"fixtures/samenames/one"
	"fixtures/samenames/two"
)

type local struct{ a int }

func helper() any { type local struct{ b string }; return local{"inner"} }
func again() any  { type local struct{ b string }; return local{"again"} }

func main() {
	fmt.Printf("%T %T %T %T %T\n", local{1}, helper(), again(), one.Value(), two.Value())
	fmt.Println(helper() == again(), one.Value() == two.Value())
}
