package a

import "fixtures/initorder/z"

var Value = first()

func first() int { println("a"); return z.Value + 1 }

func init() { println("a.init") }
