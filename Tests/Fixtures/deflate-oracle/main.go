// Deflate-oracle writes what Go's compress/zlib makes of inputs at level 1.
//
//	deflate-oracle vectors             Tests/Fixtures/deflate-vectors.txt
//	deflate-oracle random SEED COUNT   sums of the streams of COUNT generated inputs
//	deflate-oracle slices FILE SEED COUNT   sums of the streams of COUNT altered pieces of a file
//	deflate-oracle sections EXE DIR    the compressed sections of an executable, DIR/NAME.bin and DIR/NAME.z
//	deflate-oracle compress IN OUT     the stream of a file
//	deflate-oracle bench FILE...       speed in MB/s
package main

import (
	"bytes"
	"compress/zlib"
	"debug/elf"
	"encoding/hex"
	"fmt"
	"hash/adler32"
	"hash/fnv"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"
)

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func read(path string) []byte {
	b, err := os.ReadFile(path)
	check(err)
	return b
}

func number(s string) uint64 {
	n, err := strconv.ParseUint(s, 10, 64)
	check(err)
	return n
}

func compress(w *zlib.Writer, out *bytes.Buffer, in []byte) []byte {
	out.Reset()
	w.Reset(out)
	_, err := w.Write(in)
	check(err)
	check(w.Close())
	return out.Bytes()
}

// compressInPieces compresses in as some other series of writes would.
func compressInPieces(in []byte) []byte {
	var out bytes.Buffer
	w, err := zlib.NewWriterLevel(&out, zlib.BestSpeed)
	check(err)
	for size := 1; len(in) > 0; size = size*3 + 1 {
		n := min(size, len(in))
		_, err := w.Write(in[:n])
		check(err)
		in = in[n:]
	}
	check(w.Close())
	return out.Bytes()
}

func sums(stream []byte) string {
	h := fnv.New64a()
	h.Write(stream)
	return fmt.Sprintf("%d %08x %016x", len(stream), adler32.Checksum(stream), h.Sum64())
}

// vectorSizes are the lengths around which something changes.
func vectorSizes() []int {
	sizes := []int{
		0, 1, 2, 3, 4, 5, 8, 12, 13, 14, 31, 32, 33, 34, 64, 100, 127, 128, 129, 130, 140, 160, 200, 255, 256, 257,
		258, 300, 1000, 1023, 1024, 1025, 1026, 4096, 10000, 32767, 32768, 32769, 40000,
	}
	const block = 65535
	for _, blocks := range []int{1, 2, 3, 4, 5, 6, 9, 10} {
		for _, d := range []int{-1, 0, 1, 32, 33, 127, 128, 129, 1025, 30000} {
			if blocks < 3 || d <= 1 {
				sizes = append(sizes, blocks*block+d)
			}
		}
	}
	return append(sizes, 1_000_003)
}

// rare are inputs that lead to forms of a block that are seldom the best.
var rare = []struct {
	kind string
	size int
	seed uint64
}{
	// kept code, fixed
	{"blocks", 131267, 2014774},
	{"blocks", 65859, 2467458},
	{"blocks", 131378, 3654638},
	// kept code, stored, below the limit of the fixed code
	{"blocks", 65728, 6459497},
	{"blocks", 131329, 557572},
	{"blocks", 65664, 11425480},
	// kept code, stored
	{"blocks", 131377, 9646441},
	{"blocks", 65999, 7230435},
	{"blocks", 131750, 12697360},
	// new code, fixed
	{"blocks", 131771, 11317351},
	{"blocks", 65990, 6963071},
	// new code, stored, below the limit of the fixed code
	{"blocks", 65785, 13225860},
	{"blocks", 131252, 8016090},
	{"blocks", 131298, 4105280},
	// new code, stored
	{"blocks", 131257, 10852644},
	{"blocks", 66291, 680354},
	{"blocks", 66049, 4372085},
	// literals, stored
	{"blocks", 131945, 13190313},
	{"blocks", 131652, 15543630},
	// literals after another code
	{"blocks", 66195, 2252480},
	{"blocks", 132043, 10179924},
	// literals in a code with matches
	{"blocks", 65705, 8413120},
	{"blocks", 131744, 4781267},
	{"blocks", 66366, 1983369},
	// the two sides of a comparison equal, or nearly so
	{"blocks", 76, 10363479},
	{"blocks", 76, 12578073},
	{"blocks", 75, 10195615},
	{"blocks", 75, 12856437},
	{"sparse", 266, 6729764},
	{"sparse", 267, 3385582},
	{"mixed", 269, 794295},
	{"mixed", 198, 10917978},
	{"sparse", 404, 15122836},
	{"sparse", 563, 12976374},
	{"records", 137, 11224713},
	{"records", 155, 15759522},
	{"records", 160, 10563116},
	{"blocks", 197, 3538624},
	{"blocks", 108596, 15089970},
	{"blocks", 125281, 446495},
}

func vector(w *zlib.Writer, out *bytes.Buffer, kind string, size int, seed uint64) {
	in := generate(kind, size, seed)
	stream := compress(w, out, in)
	if !bytes.Equal(stream, compressInPieces(in)) {
		check(fmt.Errorf("%s %d %d: writes show in the stream", kind, size, seed))
	}
	fmt.Printf("%s %d %d %s", kind, size, seed, sums(stream))
	if len(stream) <= 100 {
		fmt.Printf(" %s", hex.EncodeToString(stream))
	}
	fmt.Println()
}

func main() {
	var out bytes.Buffer
	w, err := zlib.NewWriterLevel(&out, zlib.BestSpeed)
	check(err)
	args := os.Args[1:]
	switch {
	case len(args) == 1 && args[0] == "vectors":
		for k, kind := range kinds {
			sizes := vectorSizes()
			if kind == "constant" {
				sizes = append(sizes, 140_000_000)
			}
			for i, size := range sizes {
				vector(w, &out, kind, size, uint64(1000*k+i))
			}
		}
		for _, r := range rare {
			vector(w, &out, r.kind, r.size, r.seed)
		}
	case len(args) == 3 && args[0] == "random":
		g := &generator{number(args[1])}
		for range number(args[2]) {
			kind := kinds[g.below(len(kinds))]
			size := g.length()
			seed := g.next()
			fmt.Println(kind, size, seed, sums(compress(w, &out, generate(kind, size, seed))))
		}
	case len(args) == 4 && args[0] == "slices":
		file := read(args[1])
		g := &generator{number(args[2])}
		for range number(args[3]) {
			start := g.below(len(file))
			size := min(g.length(), len(file)-start)
			piece := bytes.Clone(file[start : start+size])
			for range g.below(8) {
				if size > 0 {
					piece[g.below(size)] = byte(g.next())
				}
			}
			fmt.Println(start, size, sums(compress(w, &out, piece)))
		}
	case len(args) == 3 && args[0] == "sections":
		exe := read(args[1])
		f, err := elf.NewFile(bytes.NewReader(exe))
		check(err)
		for _, s := range f.Sections {
			if s.Flags&elf.SHF_COMPRESSED == 0 {
				continue
			}
			plain, err := io.ReadAll(s.Open())
			check(err)
			const header = 24
			stream := exe[s.Offset+header : s.Offset+s.FileSize]
			name := filepath.Join(args[2], s.Name[1:])
			check(os.WriteFile(name+".bin", plain, 0o666))
			check(os.WriteFile(name+".z", stream, 0o666))
		}
	case len(args) == 3 && args[0] == "compress":
		check(os.WriteFile(args[2], compress(w, &out, read(args[1])), 0o666))
	case len(args) > 1 && args[0] == "bench":
		for _, path := range args[1:] {
			in := read(path)
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
		fmt.Fprintln(os.Stderr, "usage: deflate-oracle vectors | random | slices | sections | compress | bench")
		os.Exit(2)
	}
}
