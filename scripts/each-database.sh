#!/usr/bin/env bash
# What `go test -exec` runs a test binary with: the binary, once on each of $A64_TEST_DATABASES. So it is linked once. The
# profile of the last run has what the runs before it covered as well: they leave their counters in one folder.
set -euo pipefail
status=0
for database in $A64_TEST_DATABASES; do
  echo "on $database:"
  A64_TEST_DATABASE=$database "$@" || status=$?
done
exit "$status"
