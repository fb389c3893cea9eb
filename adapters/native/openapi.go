package native

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"strings"

	"dragoman/adapters"
)

// document is an OpenAPI 3.1 document, as far as we need one.
// See https://spec.openapis.org/oas/v3.1.0.
type document struct {
	OpenAPI    string                           `json:"openapi"`
	Info       info                             `json:"info"`
	Servers    []serverURL                      `json:"servers"`
	Tags       []tag                            `json:"tags"`
	Paths      map[string]map[string]*operation `json:"paths"`
	Components components                       `json:"components"`
}

type info struct {
	Title       string `json:"title"`
	Version     string `json:"version"`
	Description string `json:"description"`
}

type serverURL struct {
	URL string `json:"url"`
}

type tag struct {
	Name string `json:"name"`
}

type operation struct {
	ID          string                `json:"operationId"`
	Summary     string                `json:"summary"`
	Tags        []string              `json:"tags"`
	Parameters  []parameter           `json:"parameters,omitempty"`
	RequestBody *content              `json:"requestBody,omitempty"`
	Responses   map[string]*content   `json:"responses"`
	Security    []map[string][]string `json:"security"`
}

type parameter struct {
	Name        string  `json:"name"`
	In          string  `json:"in"`
	Required    bool    `json:"required,omitempty"`
	Description string  `json:"description,omitempty"`
	Schema      *schema `json:"schema"`
}

type content struct {
	Description string               `json:"description,omitempty"`
	Required    bool                 `json:"required,omitempty"`
	Content     map[string]mediaType `json:"content,omitempty"`
}

type mediaType struct {
	Schema *schema `json:"schema"`
}

type components struct {
	Schemas         map[string]*schema        `json:"schemas"`
	SecuritySchemes map[string]securityScheme `json:"securitySchemes"`
}

type securityScheme struct {
	Type        string `json:"type"`
	Scheme      string `json:"scheme,omitempty"`
	Format      string `json:"bearerFormat,omitempty"`
	Name        string `json:"name,omitempty"`
	In          string `json:"in,omitempty"`
	Description string `json:"description"`
}

// schema is a JSON Schema.
type schema struct {
	Ref         string             `json:"$ref,omitempty"`
	Type        jsonType           `json:"type,omitempty"`
	Format      string             `json:"format,omitempty"`
	Description string             `json:"description,omitempty"`
	Enum        []string           `json:"enum,omitempty"`
	MaxLength   int                `json:"maxLength,omitempty"`
	MaxItems    int                `json:"maxItems,omitempty"`
	Minimum     *int               `json:"minimum,omitempty"`
	Maximum     *int               `json:"maximum,omitempty"`
	Required    []string           `json:"required,omitempty"`
	Properties  map[string]*schema `json:"properties,omitempty"`
	Items       *schema            `json:"items,omitempty"`
	Closed      *bool              `json:"additionalProperties,omitempty"`
}

// jsonType is a type of JSON Schema, with a question mark when null is one, too.
type jsonType string

// MarshalJSON writes the name, or the list of two.
func (t jsonType) MarshalJSON() ([]byte, error) {
	if name, ok := strings.CutSuffix(string(t), "?"); ok {
		return json.Marshal([]string{name, "null"})
	}
	return json.Marshal(string(t))
}

// Names of the security schemes.
const (
	secUser   = "userToken"
	secServer = "appSecret"
	secKey    = "apiKey"
)

// securities are the schemes a gate takes.
var securities = map[adapters.Gate][]map[string][]string{
	adapters.GateUser:   {{secUser: {}}, {secServer: {}}},
	adapters.GateServer: {{secServer: {}}},
	adapters.GateApp:    {{secKey: {}}},
	adapters.GateOpen:   {},
}

// writer gathers the schemas of structs while operations are written.
type describer struct {
	schemas map[string]*schema
	open    bool // structs of answers, which may grow, and not of requests
}

// openapi writes the document of a table of operations.
func openapi(rows []row) ([]byte, error) {
	d := &describer{schemas: map[string]*schema{}}
	doc := document{
		OpenAPI: "3.1.0",
		Info: info{Title: "Dragoman API", Version: "1", Description: "Chat over HTTP, and live events over the WebSocket /v1/live. " +
			"Lists answer items and, where more follows, next: pass it as cursor. Errors are application/problem+json."},
		Servers: []serverURL{{"/"}},
		Paths:   map[string]map[string]*operation{},
	}
	var errs []error
	for i := range rows {
		r := &rows[i]
		errs = append(errs, r.in.bad, r.out.bad)
		path := braces(r.Path)
		if doc.Paths[path] == nil {
			doc.Paths[path] = map[string]*operation{}
		}
		doc.Paths[path][strings.ToLower(r.Method)] = d.operation(r)
		if n := len(doc.Tags); n == 0 || !hasTag(doc.Tags, r.tag) {
			doc.Tags = append(doc.Tags, tag{r.tag})
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	d.schemas["Problem"] = d.reference(shapeOf(problemType))
	d.schemas["Problem"] = d.schemas["ProblemBody"]
	delete(d.schemas, "ProblemBody")
	doc.Components = components{Schemas: d.schemas, SecuritySchemes: map[string]securityScheme{
		secUser:   {Type: "http", Scheme: "bearer", Format: "JWT", Description: "A token of a person or of a server: HS256 with the app's secret; iss is the API key, sub the user."},
		secServer: {Type: "http", Scheme: "basic", Description: "API key and secret of the app. The header " + actHeader + " names the person a server acts for."},
		secKey:    {Type: "apiKey", Name: keyHeader, In: "header", Description: "The API key alone."},
	}}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	err := e.Encode(&doc)
	return b.Bytes(), err
}

func hasTag(tags []tag, name string) bool {
	for _, t := range tags {
		if t.Name == name {
			return true
		}
	}
	return false
}

// braces writes a path of the route table as the document has it.
func braces(path string) string {
	parts := strings.Split(path, "/")
	for i, p := range parts {
		if p != "" && (p[0] == ':' || p[0] == '*') {
			parts[i] = "{" + p[1:] + "}"
		}
	}
	return strings.Join(parts, "/")
}

// operation describes one row.
func (d *describer) operation(r *row) *operation {
	o := &operation{ID: r.Name, Summary: r.Doc, Tags: []string{r.tag}, Security: securities[r.Gate], Responses: map[string]*content{
		"default": {Description: "What went wrong.", Content: map[string]mediaType{contentProblem: {&schema{Ref: "#/components/schemas/Problem"}}}},
	}}
	d.open = false
	for _, p := range []struct {
		in   place
		name string
	}{{inPath, "path"}, {inQuery, "query"}, {inHeader, "header"}} {
		for _, f := range r.in.of(p.in) {
			s := d.field(&f)
			doc := s.Description
			s.Description = ""
			o.Parameters = append(o.Parameters, parameter{f.name, p.name, f.need, doc, s})
		}
	}
	switch body := r.in.of(inBody); {
	case r.Upload:
		o.RequestBody = &content{Required: true, Content: map[string]mediaType{"multipart/form-data": {uploadSchema}}}
	case len(body) > 0:
		need := false
		for _, f := range body {
			need = need || f.need
		}
		o.RequestBody = &content{Required: need, Content: map[string]mediaType{"application/json": {d.structure(r.in)}}}
	}
	d.open = true
	switch {
	case r.raw != "":
		o.Responses["200"] = &content{Description: "The content.", Content: map[string]mediaType{r.raw: {&schema{}}}}
	case r.out.name == "None":
		o.Responses["204"] = &content{Description: "Done."}
	default:
		answer := map[string]mediaType{"application/json": {d.reference(r.out)}}
		o.Responses["200"] = &content{Description: "The answer.", Content: answer}
		if r.creates {
			o.Responses["201"] = &content{Description: "Created.", Content: answer}
		}
	}
	return o
}

// uploadSchema is the form of an upload.
var uploadSchema = &schema{Type: "object", Required: []string{"file"}, Properties: map[string]*schema{
	"file": {Type: "string", Format: "binary", Description: "The file, with its name and media type."},
}}

// reference is the schema of a type; structs are named and kept once.
func (d *describer) reference(s *shape) *schema {
	switch s.kind {
	case kindFlag:
		return &schema{Type: "boolean"}
	case kindNumber:
		return &schema{Type: "integer", Format: "int64"}
	case kindTime:
		return &schema{Type: "string", Format: "date-time"}
	case kindObject:
		return &schema{Type: "object"}
	case kindRaw:
		return &schema{}
	case kindList:
		return &schema{Type: "array", Items: d.reference(s.elem)}
	case kindStruct:
		if _, known := d.schemas[s.name]; !known {
			d.schemas[s.name] = nil // under way: it may hold itself
			d.schemas[s.name] = d.structure(s)
		}
		return &schema{Ref: "#/components/schemas/" + s.name}
	}
	return &schema{Type: "string"}
}

// structure is the schema of a struct: of a request its body members alone.
func (d *describer) structure(s *shape) *schema {
	out := &schema{Type: "object", Properties: map[string]*schema{}}
	if !d.open {
		closed := false
		out.Closed = &closed
	}
	for i := range s.fields {
		f := &s.fields[i]
		if f.in != inBody {
			continue
		}
		out.Properties[f.name] = d.field(f)
		if f.need || d.open && !f.optional {
			out.Required = append(out.Required, f.name)
		}
	}
	return out
}

// field is the schema of a member with its bounds.
func (d *describer) field(f *field) *schema {
	s := d.reference(f.shape)
	if s.Ref != "" && f.doc != "" {
		return &schema{Ref: s.Ref, Description: f.doc} // 3.1 allows siblings of $ref
	}
	s.Description, s.Enum = f.doc, f.enum
	if d.open {
		if f.shape.ptr && !f.optional {
			s.Type += "?"
		}
		return s
	}
	switch f.shape.kind {
	case kindText:
		s.MaxLength = f.longest()
	case kindList:
		s.MaxItems = f.most()
	case kindNumber:
		lo, hi := f.min, f.top()
		s.Minimum, s.Maximum = &lo, &hi
	}
	return s
}

func itoa(n int) string { return strconv.Itoa(n) }
