package main

import (
	"errors"

	"github.com/a64core/hub"
)

// tries is how often something is asked of a database that is not measured.
const tries = 10

// patiently makes a call to a database that may be busier than a request should wait for.
func patiently(call func() error) (err error) {
	for range tries {
		if err = call(); !errors.Is(err, hub.ErrUnavailable) {
			return err
		}
	}
	return err
}
