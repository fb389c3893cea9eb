package native_test

import (
	"fmt"
	"testing"

	"dragoman/adapters/adaptertest"
	"dragoman/adapters/native"
)

func TestMain(m *testing.M) { adaptertest.Verify(m) }

// rowName is the id of the i-th row of the error table.
func rowName(i int) string { return fmt.Sprintf("DR%03d", i+1) }

func TestDialectPassesTheSuite(t *testing.T) { adaptertest.Run(t, vendor(), native.ReadError) }
