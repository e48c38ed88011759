// Goroutines, select, timers, finalizers, a context: much of the runtime is live.
package main

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"time"
)

func worker(ctx context.Context, in <-chan int, out chan<- int, wg *sync.WaitGroup) {
	defer wg.Done()
	for {
		select {
		case n, ok := <-in:
			if !ok {
				return
			}
			out <- n * n
		case <-ctx.Done():
			return
		}
	}
}

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	in, out := make(chan int), make(chan int, 16)
	var wg sync.WaitGroup
	for range 4 {
		wg.Add(1)
		go worker(ctx, in, out, &wg)
	}
	for i := range 8 {
		in <- i
	}
	close(in)
	wg.Wait()
	runtime.SetFinalizer(new(int), func(*int) {})
	runtime.GC()
	fmt.Println(len(out))
}
