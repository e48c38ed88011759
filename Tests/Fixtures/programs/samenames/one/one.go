package one

type local struct{ n int }

func (local) String() string { return "one" }

var table = []local{{1}, {2}}

func helper() local { return table[1] }

func Value() any { return helper() }
