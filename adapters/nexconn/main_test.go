package nexconn_test

import (
	"testing"

	"dragoman/adapters/adaptertest"
)

func TestMain(m *testing.M) { adaptertest.Verify(m) }
