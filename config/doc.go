// Package config is the configuration of Dragoman as typed values: one struct whose tags are the
// file format, the environment overlay and the reference page.
//
// A value comes from the first of: command-line flag, environment, file, default. The file is TOML
// and read strictly; every problem is an Issue with the line it stands on and a hint, and all of
// them are reported at once. There is no key that nothing reads.
package config
