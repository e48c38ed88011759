// encoding/json: reflection over struct tags, marshaler interfaces, embedded structs.
package main

import (
	"encoding/json"
	"fmt"
	"time"
)

type level int

func (l level) MarshalText() ([]byte, error) { return []byte(fmt.Sprint("level ", int(l))), nil }

type base struct {
	ID      int       `json:"id"`
	Created time.Time `json:"created,omitzero"`
}

type record struct {
	base
	Name  string         `json:"name,omitempty"`
	Level level          `json:"level"`
	More  map[string]any `json:"more"`
	Self  *record        `json:"self,omitempty"`
}

func main() {
	text, err := json.Marshal(record{base{ID: 1}, "n", 2, map[string]any{"k": []int{1}}, &record{}})
	fmt.Println(string(text), err)
	var back record
	fmt.Println(json.Unmarshal([]byte(`{"id":3,"more":{"a":null}}`), &back), back.ID)
}
