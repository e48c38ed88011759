//go:build other

package sub

var Name, Extra = "sub", "of another interface"

func Number() int64 { return int64(len(Name)) }
