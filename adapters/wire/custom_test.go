package wire_test

import (
	"encoding/json"
	"testing"

	"dragoman/adapters/wire"
	"dragoman/core"
)

func TestCustomOfMessages(t *testing.T) {
	for name, c := range map[string]struct {
		m          core.Message
		kind, data string
	}{
		"of another dialect":  {core.Message{Kind: core.MessageCustom, Text: "[order]", Extra: core.Extra(`{"custom":{"type":"order","data":[1,{"a":null}]}}`)}, "order", `[1,{"a":null}]`},
		"without data":        {core.Message{Kind: core.MessageCustom, Extra: core.Extra(`{"custom":{"type":"ping"}}`)}, "ping", `{}`},
		"an attachment":       {core.Message{Attachments: []json.RawMessage{json.RawMessage(`{"type":"order","n":1.50,"b":"x"}`)}}, "order", `{"n":1.50,"b":"x"}`},
		"an app's own field":  {core.Message{Text: "hi", Extra: core.Extra(`{"custom":{"type":"order","data":1}}`)}, "", ""},
		"a picture":           {core.Message{Attachments: []json.RawMessage{json.RawMessage(`{"type":"image","image_url":"https://example.org/a.png"}`)}}, "", ""},
		"a card with a link":  {core.Message{Attachments: []json.RawMessage{json.RawMessage(`{"type":"product","title_link":"https://example.org"}`)}}, "", ""},
		"words beside it":     {core.Message{Text: "look", Attachments: []json.RawMessage{json.RawMessage(`{"type":"order","n":1}`)}}, "", ""},
		"two attachments":     {core.Message{Attachments: []json.RawMessage{json.RawMessage(`{"type":"a"}`), json.RawMessage(`{"type":"b"}`)}}, "", ""},
		"an attachment alone": {core.Message{Attachments: []json.RawMessage{json.RawMessage(`{"text":"no type"}`)}}, "", ""},
	} {
		got, ok := wire.CustomOf(&c.m)
		if ok != (c.kind != "") || ok && (got.Type != c.kind || string(got.Data) != c.data) {
			t.Errorf("%s: %v %q %s", name, ok, got.Type, got.Data)
		}
	}
}

func TestFieldsLeaveOutWhatBelongsToDialects(t *testing.T) {
	if got := string(wire.Fields(core.Extra(`{"content":{"a":1},"mood":"fine","msync":{},"n":[1]}`))); got != `{"mood":"fine","n":[1]}` {
		t.Error(got)
	}
	if got := wire.Fields(core.Extra(`{"custom":{"type":"x"}}`)); got != nil {
		t.Errorf("%s", got)
	}
	w := wire.NewWriter(64)
	w.Open()
	w.Spread(`{"a": 1, "nexconn": 2}`)
	w.Spread(`["no object"]`)
	w.Close()
	if string(w.Bytes()) != `{"a":1}` {
		t.Error(string(w.Bytes()))
	}
}
