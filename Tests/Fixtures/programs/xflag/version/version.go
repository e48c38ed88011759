package version

var Name = "development"
