// Generic types and methods: dictionaries, shape instances, methods kept by generic interface calls.
package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

type Stringer interface{ String() string }

type id int

func (i id) String() string { return fmt.Sprintf("#%d", int(i)) }

type word string

func (w word) String() string { return strings.ToUpper(string(w)) }

type list[T Stringer] struct{ items []T }

func (l *list[T]) add(items ...T) *list[T] { l.items = append(l.items, items...); return l }

func (l *list[T]) join() string {
	var parts []string
	for _, x := range l.items {
		parts = append(parts, x.String())
	}
	return strings.Join(parts, ",")
}

type tree[K cmp.Ordered, V any] struct {
	key         K
	value       V
	left, right *tree[K, V]
}

func (t *tree[K, V]) put(k K, v V) *tree[K, V] {
	switch {
	case t == nil:
		return &tree[K, V]{key: k, value: v}
	case k < t.key:
		t.left = t.left.put(k, v)
	case k > t.key:
		t.right = t.right.put(k, v)
	default:
		t.value = v
	}
	return t
}

func largest[T cmp.Ordered](xs ...T) any { return any(slices.Max(xs)) }

func main() {
	fmt.Println((&list[id]{}).add(1, 2).join(), (&list[word]{}).add("a", "b").join())
	var t *tree[string, []int]
	t = t.put("b", nil).put("a", []int{1}).put("c", nil)
	fmt.Printf("%T %v %v\n", t, largest(1, 3, 2), largest("x", "y"))
}
