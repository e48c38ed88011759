// Itabs made by the compiler, conversions between interfaces, methods kept by interface calls alone.
package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
)

type shape interface {
	area() float64
	fmt.Stringer
}

type square struct{ side float64 }
type circle struct{ r float64 }

func (s square) area() float64    { return s.side * s.side }
func (s square) String() string   { return "square" }
func (s square) NeverCalled() int { return 1 }
func (c *circle) area() float64   { return 3 * c.r * c.r }
func (c *circle) String() string  { return "circle" }

type problem struct{ error }

func (problem) Timeout() bool { return true }

func kind(r io.Reader) string {
	if _, ok := r.(io.ReaderFrom); ok {
		return "reader from"
	}
	if _, ok := r.(io.WriterTo); ok {
		return "writer to"
	}
	return "reader"
}

func main() {
	for _, s := range []shape{square{2}, &circle{1}} {
		fmt.Println(s, s.area(), s.(fmt.Stringer).String())
	}
	var t interface{ Timeout() bool }
	fmt.Println(errors.As(problem{io.EOF}, &t), kind(strings.NewReader("")), kind(io.LimitReader(nil, 1)))
}
