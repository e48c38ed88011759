package b

import _ "fixtures/initorder/z"

var Value = func() int { println("b"); return 2 }()
