// The program that everybody links first.
package main

import "fmt"

func main() { fmt.Println("hello") }
