package main

import (
	"math/bits"
	"slices"
)

// The generator makes inputs from a seed, the same as
// Tests/GoDeflateTests/InputGenerator.swift, which describes the kinds.
type generator struct{ state uint64 }

var kinds = []string{
	"constant", "random", "skewed", "flat", "letters", "sparse", "text", "records", "runs", "far", "mixed", "blocks",
}

func (g *generator) next() uint64 {
	g.state += 0x9e3779b97f4a7c15
	z := g.state
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

func (g *generator) below(bound int) int {
	return int(g.next()>>33) % bound
}

func (g *generator) length() int {
	switch g.below(4) {
	case 0:
		return g.below(1 << g.below(21))
	case 1:
		blocks := g.below(6)
		return 65535*blocks + g.below(600)
	case 2:
		return 128 + g.below(2000)
	}
	return g.below(400_000)
}

func generate(kind string, count int, seed uint64) []byte {
	g := &generator{seed}
	var out []byte
	simple := kinds[:len(kinds)-2]
	switch kind {
	case "mixed":
		for len(out) < count {
			part := simple[g.below(len(simple))]
			limit := 150_000
			if g.below(2) == 0 {
				limit = 3000
			}
			length := 1 + g.below(limit)
			out = append(out, generate(part, min(length, count-len(out)), g.next())...)
		}
	case "blocks":
		part := simple[g.below(len(simple))]
		for len(out) < count {
			if g.below(2) == 0 {
				part = simple[g.below(len(simple))]
			}
			out = append(out, generate(part, min(65535, count-len(out)), g.next())...)
		}
	default:
		out = g.append(kind, count)
	}
	return out[:count]
}

func (g *generator) append(kind string, count int) (out []byte) {
	switch kind {
	case "constant":
		b := byte(g.next())
		for range count {
			out = append(out, b)
		}
	case "random":
		for range count {
			out = append(out, byte(g.next()))
		}
	case "skewed":
		for range count {
			draw := g.next()
			rank := min(bits.TrailingZeros64(draw), 15)
			mask := 15
			if rank < 4 {
				mask = 1
			}
			out = append(out, byte(rank*16+int(draw>>60)&mask))
		}
	case "flat":
		share := 1 + g.below(40)
		for range count {
			draw := g.next()
			b := byte(draw)
			if int(draw>>33)%1000 < share {
				b = 0x41
			}
			out = append(out, b)
		}
	case "letters":
		first := g.below(56)
		size := 40 + g.below(161)
		for range count {
			out = append(out, byte(first+g.below(size)))
		}
	case "sparse":
		gap := 4 + g.below(120)
		longest := 4 + g.below(20)
		half := byte(g.below(2) * 128)
		share := g.below(9)
		for len(out) < count {
			for range g.below(2 * gap) {
				draw := g.next()
				b := byte(draw)
				if int(draw>>40)%8 < share {
					b = b&0x7f | half
				}
				out = append(out, b)
			}
			length := 4 + g.below(longest)
			if len(out) > length {
				start := len(out) - length - g.below(min(len(out)-length, 40_000))
				out = append(out, out[start:start+length]...)
			}
		}
	case "text":
		var words [][]byte
		for range 256 {
			word := make([]byte, 2+g.below(8))
			for i := range word {
				word[i] = byte('a' + g.below(26))
			}
			words = append(words, word)
		}
		for len(out) < count {
			a := g.below(256)
			out = append(out, words[a*g.below(256)/256]...)
			if g.below(12) == 0 {
				out = append(out, '\n')
			} else {
				out = append(out, ' ')
			}
		}
	case "records":
		address, line := uint64(0x401000), 1
		for len(out) < count {
			address += uint64(1 + g.below(200))
			line += g.below(9) - 2
			for shift := 0; shift < 64; shift += 8 {
				out = append(out, byte(address>>shift))
			}
			out = append(out, byte(line), byte(line>>8), byte(g.below(5)))
			if g.below(4) == 0 {
				for range g.below(20) {
					out = append(out, byte(g.next()))
				}
			}
		}
	case "runs":
		for len(out) < count {
			b := byte(g.next())
			limit := 12
			if g.below(3) == 0 {
				limit = 600
			}
			out = append(out, slices.Repeat([]byte{b}, 1+g.below(limit))...)
		}
	case "far":
		period := 32768 - 4 + g.below(8)
		for i := range count {
			if i < period {
				out = append(out, byte(g.next()))
			} else {
				out = append(out, out[i-period])
			}
		}
	default:
		panic("unknown kind " + kind)
	}
	return out
}
