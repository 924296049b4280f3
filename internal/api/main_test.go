package api_test

import (
	"os"
	"testing"

	"github.com/a64core/hub/internal/hubtest"
)

func TestMain(m *testing.M) { os.Exit(hubtest.Main(m)) }
