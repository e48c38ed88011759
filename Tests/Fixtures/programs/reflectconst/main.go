// MethodByName with constant names keeps only the methods of these names (R_USENAMEDMETHOD).
package main

import (
	"fmt"
	"reflect"
)

type speaker struct{ name string }

func (s speaker) Hello() string    { return "hello " + s.name }
func (s speaker) Goodbye() string  { return "goodbye " + s.name }
func (s *speaker) Rename(n string) { s.name = n }

func main() {
	v := reflect.ValueOf(&speaker{"you"})
	fmt.Println(v.MethodByName("Hello").Call(nil)[0])
	if m, ok := v.Type().MethodByName("Rename"); ok {
		fmt.Println(m.Name, m.Type)
	}
}
