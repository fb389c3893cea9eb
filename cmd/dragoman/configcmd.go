package main

import (
	"fmt"
	"strings"

	"dragoman/config"
)

// configCmd groups what one can ask about the configuration.
type configCmd struct {
	Check   configCheck   `cmd:"" help:"Report every problem with its line and what to do about it."`
	Default configDefault `cmd:"" help:"Print a file with every key at its default."`
	Env     configEnv     `cmd:"" help:"Print the environment variables with their defaults."`
	Doc     configDoc     `cmd:"" help:"Print the reference page."`
}

// configFlag names the file; it is shared by all commands that read one.
type configFlag struct {
	Config string `short:"c" placeholder:"FILE" help:"Configuration file. Default: $$DRAGOMAN_CONFIG, ./config.toml, /etc/dragoman/config.toml."`
}

// load finds and reads the file. Without any file it returns nil and no error; problems are one
// usage error that lists them all.
func (f configFlag) load(s streams) (*config.Config, string, error) {
	path, ok := config.Find(f.Config, s.environ)
	if !ok {
		return nil, "", nil
	}
	c, issues := config.Load(path, s.environ)
	if len(issues) == 0 {
		return c, path, nil
	}
	lines := make([]string, len(issues))
	for i, is := range issues {
		lines[i] = is.Format(path)
	}
	return nil, path, &usageError{strings.Join(lines, "\n")}
}

// configCheck is "config check".
type configCheck struct{ configFlag }

// Run prints ok and the apps, or fails with the list of problems.
func (c configCheck) Run(s streams) error {
	cfg, path, err := c.load(s)
	if err != nil {
		return err
	}
	if cfg == nil {
		return usagef("There is no configuration file to check: name one with --config.")
	}
	names := make([]string, len(cfg.Apps))
	for i := range cfg.Apps {
		names[i] = cfg.Apps[i].Name
	}
	_, err = fmt.Fprintf(s.out, "%s: ok, serves %s\n", path, strings.Join(names, ", "))
	return err
}

// configDefault is "config default".
type configDefault struct{}

// Run prints the file.
func (configDefault) Run(s streams) error {
	_, err := fmt.Fprint(s.out, config.Example())
	return err
}

// configEnv is "config env".
type configEnv struct{}

// Run prints the variables.
func (configEnv) Run(s streams) error {
	_, err := fmt.Fprint(s.out, config.Env())
	return err
}

// configDoc is "config doc".
type configDoc struct{}

// Run prints the page.
func (configDoc) Run(s streams) error {
	_, err := fmt.Fprint(s.out, config.Markdown())
	return err
}
