package z

var Value int

func init() { println("z"); Value = 40 }
