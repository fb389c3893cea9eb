package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// version is set by the linker for releases.
var version = "dev"

// versionCmd prints what this binary is.
type versionCmd struct{}

// Run prints one line: version, commit if known, Go version, platform.
func (versionCmd) Run(s streams) error {
	commit := ""
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, kv := range info.Settings {
			if kv.Key == "vcs.revision" && len(kv.Value) >= 12 {
				commit = " " + kv.Value[:12]
			}
		}
	}
	_, err := fmt.Fprintf(s.out, "dragoman %s%s %s %s/%s\n", version, commit, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}
