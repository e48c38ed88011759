//go:build !other

package sub

var Name = "sub"

func Number() int { return len(Name) }
