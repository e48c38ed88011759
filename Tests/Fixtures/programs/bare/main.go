// No import: the runtime alone.
package main

func main() { println("bare") }
