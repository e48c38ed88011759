// Names outside ASCII: types, methods (exported by their first letter), functions, fields.
package main

import (
	"fmt"
	"reflect"
)

type Größe struct {
	Höhe int `json:"höhe"`
	世界   string
	Élan float64
}

func (g Größe) Ändern(δ int) Größe { g.Höhe += δ; return g }
func (g Größe) größer() bool       { return g.Höhe > 1 }
func (g *Größe) Ωmega() string     { return g.世界 }
func 中() Größe                     { return Größe{1, "世界", 2.5} }

func main() {
	g := 中().Ändern(2)
	t := reflect.TypeOf(&g)
	for i := range t.NumMethod() {
		fmt.Println(t.Method(i).Name, t.Elem().Name(), g.größer())
	}
}
