package main

import (
	"encoding/json"

	"dragoman/adapters/catalogs"
	"dragoman/normalize/explain"
)

// codesCmd shows the error tables of every vendor.
type codesCmd struct {
	List    codesListCmd    `cmd:"" default:"withargs" help:"Print the error tables."`
	Explain codesExplainCmd `cmd:"" help:"Tell what one vendor error means and what the other vendors call it."`
}

// codesListCmd prints the tables.
type codesListCmd struct {
	Catalogue string `arg:"" optional:"" help:"One of stream, cometchat, agora-rest, agora-sdk, nexconn; all of them by default."`
	JSON      bool   `name:"json" xor:"format" help:"One JSON document, with what every vendor says for each canonical error."`
	TSV       bool   `name:"tsv" xor:"format" help:"Tab-separated, without quoting; codes are JSON literals."`
}

// Run prints the listing.
func (c *codesListCmd) Run(s streams) error {
	print := explain.WriteText
	switch {
	case c.JSON:
		print = explain.WriteJSON
	case c.TSV:
		print = explain.WriteTSV
	}
	if err := print(s.out, catalogs.All(), c.Catalogue); err != nil {
		return usagef("%s", err)
	}
	return nil
}

// codesExplainCmd explains one error.
type codesExplainCmd struct {
	Vendor  string `arg:"" help:"Whose error it is: a catalogue, or agora."`
	Code    string `arg:"" optional:"" help:"The code as the vendor writes it, or the id of a row."`
	Minus   bool   `name:"minus-one" short:"1" hidden:""` // -1 is a real code, and on a command line it looks like a flag
	Status  int    `help:"HTTP status it came on."`
	Message string `help:"The vendor's text, for codes that stand for several errors."`
	Path    string `help:"URL path of the failed call, for errors that look alike."`
	SDK     string `name:"sdk" help:"Client library a number comes from: android, ios, web."`
	JSON    bool   `name:"json" help:"Print JSON."`
}

// Run prints the explanation.
func (c *codesExplainCmd) Run(s streams) error {
	if c.Minus && c.Code == "" {
		c.Code = "-1"
	}
	a, err := explain.Explain(catalogs.All(), explain.Question{
		Vendor: c.Vendor, Code: c.Code, Status: c.Status, Message: c.Message, Path: c.Path, SDK: c.SDK,
	})
	if err != nil {
		return usagef("%s", err)
	}
	if c.JSON {
		e := json.NewEncoder(s.out)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		return e.Encode(a)
	}
	return a.WriteText(s.out)
}
