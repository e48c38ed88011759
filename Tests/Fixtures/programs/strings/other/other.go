package other

var Words = []string{"same in both packages", "only here", "right", ""}
