// MethodByName with a name only known at run time keeps every exported method of a type in an interface.
package main

import (
	"fmt"
	"os"
	"reflect"
)

type speaker struct{ name string }

func (s speaker) Hello() string   { return "hello " + s.name }
func (s speaker) Goodbye() string { return "goodbye " + s.name }
func (s speaker) unexported() int { return len(s.name) }

type unused struct{}

func (unused) NeverKept() {}

func main() {
	name := "Hello"
	if len(os.Args) > 1 {
		name = os.Args[1]
	}
	v := reflect.ValueOf(speaker{"you"})
	fmt.Println(v.MethodByName(name).IsValid(), v.NumMethod(), speaker{"a"}.unexported())
}
