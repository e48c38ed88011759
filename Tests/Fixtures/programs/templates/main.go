// text/template and html/template: many types share a type string, methods are found by reflection.
package main

import (
	html "html/template"
	"os"
	text "text/template"
)

type page struct {
	Title string
	Items []string
}

func (p page) Count() int { return len(p.Items) }

func main() {
	p := page{"<title>", []string{"a", "b"}}
	const source = "{{.Title}}: {{.Count}}{{range .Items}} {{.}}{{end}}\n"
	if err := text.Must(text.New("t").Parse(source)).Execute(os.Stdout, p); err != nil {
		panic(err)
	}
	if err := html.Must(html.New("h").Parse(source)).Execute(os.Stdout, p); err != nil {
		panic(err)
	}
}
