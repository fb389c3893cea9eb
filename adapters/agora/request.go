package agora

import (
	"strings"

	"github.com/tidwall/gjson"

	"dragoman/adapters"
	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
)

// body reads a body that has to be a JSON object; an empty one counts as {}.
func body(rq *adapters.Request) (wire.Reader, error) {
	if err := jsonTyped(rq); err != nil {
		return wire.Reader{}, err
	}
	r, err := wire.Parse(rq.Body)
	return r, shaped(rq.Body, err)
}

// jsonTyped refuses a body that calls itself something else than JSON.
func jsonTyped(rq *adapters.Request) error {
	typ := rq.Headers.Get("Content-Type")
	typ, _, _ = strings.Cut(typ, ";")
	switch typ = strings.ToLower(strings.TrimSpace(typ)); {
	case len(rq.Body) == 0, typ == "", strings.HasSuffix(typ, "json"), typ == "*/*":
		return nil
	case typ == "multipart/form-data":
		return nil // of a route that takes either; what is in it is judged there
	}
	return fault.RequestUnsupportedMediaType.Error("The body has to be JSON.")
}

// shaped tells JSON of another shape from what is no JSON: the vendor has a text for each.
func shaped(raw []byte, err error) error {
	if err == nil || !fault.IsReason(err, fault.RequestMalformedJSON) {
		return err
	}
	if gjson.ValidBytes(raw) {
		return fault.RequestInvalid.Error("")
	}
	return err
}

// objects reads a body that is one object or a list of at most most objects.
func objects(rq *adapters.Request, most int) ([]wire.Reader, error) {
	if err := jsonTyped(rq); err != nil {
		return nil, err
	}
	text := strings.TrimSpace(string(rq.Body))
	if !strings.HasPrefix(text, "[") {
		r, err := wire.ParseText(text)
		return []wire.Reader{r}, shaped(rq.Body, err)
	}
	r, err := wire.ParseText(`{"list":` + text + `}`)
	if err != nil {
		return nil, err
	}
	var out []wire.Reader
	r.EachObject("list", most, func(_ int, o *wire.Reader) { out = append(out, *o) })
	if err := r.Err(); err != nil {
		return nil, err
	}
	if len(out) == 0 {
		return nil, fault.RequestInvalid.Error("")
	}
	return out, nil
}

// texts reads a body that is a list of at most most texts.
func texts(rq *adapters.Request, most int) ([]string, error) {
	if err := jsonTyped(rq); err != nil {
		return nil, err
	}
	if text := strings.TrimSpace(string(rq.Body)); !strings.HasPrefix(text, "[") {
		return nil, shaped(rq.Body, fault.RequestMalformedJSON.Error("the body must be a list"))
	}
	r, err := wire.ParseText(`{"list":` + string(rq.Body) + `}`)
	if err != nil {
		return nil, err
	}
	out := r.Texts("list", most)
	return out, r.Err()
}

// usernames reads the list of users of a body, at most most of them and at least one.
func usernames(r *wire.Reader, name string, most int) ([]core.UserID, error) {
	list := r.Texts(name, most)
	if err := r.Err(); err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, fault.RequestMissingField.Error(name + " is empty")
	}
	return userIDs(list), nil
}

// userIDs turns names into ids, each once.
func userIDs(list []string) []core.UserID {
	out, seen := make([]core.UserID, 0, len(list)), map[string]bool{}
	for _, s := range list {
		if s != "" && !seen[s] {
			seen[s] = true
			out = append(out, core.UserID(s))
		}
	}
	return out
}

// listed reads a comma joined list of users in a path, at most most of them.
func listed(rq *adapters.Request, name string, most int) ([]core.UserID, error) {
	out := userIDs(strings.Split(rq.Param(name), ","))
	if len(out) > most {
		return nil, fault.RequestBatchTooLarge.Error("the list has too many users")
	}
	return out, nil
}
