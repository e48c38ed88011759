// Deflate-oracle writes what Go's compress/zlib makes of a file at level 1, and measures how fast it is.
//
//	deflate-oracle compress IN OUT
//	deflate-oracle bench FILE...
package main

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"os"
	"slices"
	"time"
)

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func compress(w *zlib.Writer, out *bytes.Buffer, in []byte) {
	out.Reset()
	w.Reset(out)
	_, err := w.Write(in)
	check(err)
	check(w.Close())
}

func main() {
	var out bytes.Buffer
	w, err := zlib.NewWriterLevel(&out, zlib.BestSpeed)
	check(err)
	switch {
	case len(os.Args) == 4 && os.Args[1] == "compress":
		in, err := os.ReadFile(os.Args[2])
		check(err)
		compress(w, &out, in)
		check(os.WriteFile(os.Args[3], out.Bytes(), 0o666))
	case len(os.Args) > 2 && os.Args[1] == "bench":
		for _, path := range os.Args[2:] {
			in, err := os.ReadFile(path)
			check(err)
			rounds := 25
			if len(in) > 20_000_000 {
				rounds = 9
			}
			var times []float64
			for range rounds {
				start := time.Now()
				compress(w, &out, in)
				times = append(times, time.Since(start).Seconds())
			}
			slices.Sort(times)
			size := float64(len(in)) / 1e6
			fmt.Printf("go    %7.1f MB/s (best %.1f) %9d -> %9d %s\n",
				size/times[len(times)/2], size/times[0], len(in), out.Len(), path)
		}
	default:
		fmt.Fprintln(os.Stderr, "usage: deflate-oracle compress IN OUT | bench FILE...")
		os.Exit(2)
	}
}
