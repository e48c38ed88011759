// Type switches over concrete and interface types (caches in data), type assertions, comparison of types.
package main

import (
	"fmt"
	"reflect"
)

type pair[A, B any] struct {
	a A
	b B
}

func name(x any) string {
	switch x := x.(type) {
	case nil:
		return "nil"
	case int, int64:
		return "integer"
	case string:
		return x
	case []byte:
		return string(x)
	case map[string][]pair[int, string]:
		return "map"
	case func(int) error:
		return "func"
	case chan<- struct{}:
		return "chan"
	case [3]pair[string, *int]:
		return "array"
	case fmt.Stringer:
		return x.String()
	case error:
		return x.Error()
	case interface{ Unwrap() []error }:
		return "many"
	}
	return "?"
}

func main() {
	values := []any{nil, 1, int64(2), "s", []byte("b"), map[string][]pair[int, string]{}, reflect.TypeFor[int](),
		fmt.Errorf("wrapped: %w", fmt.Errorf("e")), [3]pair[string, *int]{}, make(chan<- struct{}), 1.5}
	for _, v := range values {
		fmt.Println(name(v))
	}
}
