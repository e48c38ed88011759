// Defer in its three forms, recover, panics from inlined callees, wrappers, tracebacks: deferreturn and inline trees.
package main

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
)

type closer struct{ name string }

func (c *closer) Close() error { return errors.New(c.name) }

func where() string {
	pcs := make([]uintptr, 16)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(1, pcs)])
	var names []string
	for {
		f, more := frames.Next()
		names = append(names, fmt.Sprintf("%s:%d", f.Function, f.Line))
		if !more {
			return strings.Join(names, " ")
		}
	}
}

func inlined(n int) string { return inlinedTwice(n + 1) }
func inlinedTwice(n int) string {
	if n > 100 {
		panic("too large")
	}
	return where()
}

func loops(n int) (err error) {
	for i := range n {
		c := &closer{fmt.Sprint(i)}
		defer func() { err = errors.Join(err, c.Close()) }()
	}
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("recovered: %v", r)
		}
	}()
	_ = inlined(n * 1000)
	return nil
}

func main() {
	if len(os.Args) > 5 {
		defer println("open-coded")
	}
	fmt.Println(inlined(1), loops(3))
}
