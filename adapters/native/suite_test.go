package native_test

import (
	"time"

	"dragoman/adapters"
	"fmt"
	"testing"

	"dragoman/adapters/adaptertest"
	"dragoman/adapters/native"
)

func TestMain(m *testing.M) { adaptertest.Verify(m) }

// rowName is the id of the i-th row of the error table.
func rowName(i int) string { return fmt.Sprintf("DR%03d", i+1) }

func TestDialectPassesTheSuite(t *testing.T) { adaptertest.Run(t, vendor(), native.ReadError) }

// adaptertestEnv is what the dialect is given where nothing has to work.
func adaptertestEnv(v *adaptertest.Vendor) adapters.Env {
	return adapters.Env{Core: adaptertest.Hollow(), Now: time.Now, Apps: []adapters.App{{ID: 1, Name: "test", Creds: v.Creds}}}
}
