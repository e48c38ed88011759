// Prints the vectors of Tests/LinkDaemonTests/GoTextTests.swift: what Go's strconv, strings and the linker's
// response file reader make of random text. cmd/internal is open to cmd only, so the program is built as a
// part of it:
//
//	echo '{"Replace":{"'$(go env GOROOT)'/src/cmd/vectors/main.go":"'$PWD'/scripts/vectors/text/main.go"}}' >overlay.json
//	go run -overlay overlay.json cmd/vectors
package main

import (
	"cmd/internal/objabi"
	"cmd/internal/quoted"
	"fmt"
	"strconv"
	"strings"
)

type splitmix uint64

func (s *splitmix) next() uint64 {
	*s += 0x9e3779b97f4a7c15
	z := uint64(*s)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// A text of up to 11 of the pieces.
func (s *splitmix) text(pieces []string) string {
	var b strings.Builder
	for range s.next() % 12 {
		b.WriteString(pieces[s.next()%uint64(len(pieces))])
	}
	return b.String()
}

type hash uint64

func (h *hash) add(text string) {
	for i := range len(text) {
		*h = (*h ^ hash(text[i])) * 0x100000001b3
	}
	*h = (*h ^ 256) * 0x100000001b3
}

func run(name string, seed uint64, pieces string, f func(text string, h *hash)) {
	r := splitmix(seed)
	h := hash(0xcbf29ce484222325)
	for range 50000 {
		f(r.text(strings.Split(pieces, "|")), &h)
	}
	fmt.Printf("%s: %#016x\n", name, uint64(h))
}

func number(h *hash, n int64, err error) {
	switch {
	case err == nil:
		h.add(fmt.Sprint(n))
	case strings.HasSuffix(err.Error(), strconv.ErrRange.Error()):
		h.add("range")
	default:
		h.add("syntax")
	}
}

func main() {
	run("parseInt base 0", 1, "0|1|7|9|0x|0X|0b|0o|f|_|-|+|00|9223372036854775807|9223372036854775808|8000000000000000|g", func(t string, h *hash) {
		n, err := strconv.ParseInt(t, 0, 64)
		number(h, n, err)
	})
	run("parseInt base 10", 2, "0|1|7|9|0x|_|-|+|922337203685477580|a", func(t string, h *hash) {
		n, err := strconv.Atoi(t)
		number(h, int64(n), err)
	})
	run("trimSpace", 3, "a| |\t|\n|\v|\r|\u0085|\u00a0|\u1680|\u2003|\u2028|\u202f|\u205f|\u3000|\u200b|\xa0|\xe2\x80|\xc2", func(t string, h *hash) {
		h.add(strings.TrimSpace(t))
	})
	run("quote", 4, "a|Z|~|\"|\\|'|`|\a|\b|\f|\n|\r|\t|\v|\x00|\x1b|\x7f| ", func(t string, h *hash) {
		h.add(strconv.Quote(t))
	})
	// Half of the texts get quotes of one kind around them.
	run("unquote", 5, "a|b|\"|'|`|\\|\\n|\\\"|\\'|\\x41|\\xff|\\101|\\400|\\u00e9|\\ud800|\\U0001F600|\\U00110000|é|\xff|\xe2\x82|\n|\r|\\x|\\7|\\v", func(t string, h *hash) {
		quotes := []string{"\"", "'", "`", "", "", ""}
		q := quotes[len(t)%6]
		s, err := strconv.Unquote(q + t + q)
		if err != nil {
			s = "error"
		}
		h.add(s)
	})
	run("response file", 6, "a|-b|'|\"|\\| |\t|\n|\r|\r\n|$|`|\\\n|\\\r\n|\\\\|é|@", func(t string, h *hash) {
		for _, a := range objabi.ParseArgs([]byte(t)) {
			h.add(a)
		}
		h.add("end")
	})
	run("quoted", 7, "a|'|\"| |\t|\n|\r|b c|\v", func(t string, h *hash) {
		_, err := quoted.Split(t)
		h.add(fmt.Sprint(err))
	})
}
