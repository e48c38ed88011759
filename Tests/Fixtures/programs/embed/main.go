// go:embed into a string, bytes and a file system.
package main

import (
	"embed"
	"fmt"
)

//go:embed files/one.txt
var one string

//go:embed files/two.bin
var two []byte

//go:embed files
var files embed.FS

func main() {
	entries, err := files.ReadDir("files")
	fmt.Println(one, len(two), len(entries), err)
}
