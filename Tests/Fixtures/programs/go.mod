module fixtures

go 1.27
