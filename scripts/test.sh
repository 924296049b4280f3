#!/usr/bin/env bash
# All tests with the race detector, in random order, and the share of our statements that they run; then those of the whole
# hub on each other database, without it. Servers that the environment does not name are started for them, where they can be had.
set -euo pipefail
cd "$(dirname "$0")/.."

least=85 # per cent of the statements of our packages

if [ "${1:-}" != with-servers ]; then
  # The race detector needs a C compiler.
  if ! command -v gcc >/dev/null && ! command -v clang >/dev/null; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
      apt-get update -qq && apt-get install -y -qq gcc libc6-dev
    else
      echo "make test: the race detector needs gcc or clang" >&2
      exit 1
    fi
  fi
  exec scripts/test-servers.sh run scripts/test.sh with-servers
fi

profile=$(mktemp)
trap 'rm -f "$profile"' EXIT
packages=$(go list ./... | grep -v /internal/bench) # the load generator is no part of the hub
go vet ./internal/bench
export CGO_ENABLED=1
A64_TEST_DATABASE=sqlite go test -race -shuffle=on -count=1 -timeout 15m \
  -coverpkg="$(echo "$packages" | grep -v -e /storetest -e /hubtest -e /testdb | paste -sd,)" -coverprofile="$profile" $packages |
  sed -E -e '/^[[:space:]].*coverage: 0.0% of statements/d' -e 's/[[:space:]]*coverage: [^[:space:]]+ of statements.*//'

# A statement counts as run if any package's tests run it: the profile names it once for each.
awk -v least="$least" '
  NR > 1 { count[$1] = $2; if ($3 > 0) run[$1] = 1 }
  END {
    for (block in count) { all += count[block]; if (run[block]) covered += count[block] }
    share = 100 * covered / all
    printf "coverage: %.1f %% of %d statements (at least %d %%)\n", share, all, least
    exit share < least
  }' "$profile"

# The hub on the databases that it was not on so far. The stores and the pair of them were under the race detector above.
hub=$(go list -f '{{.TestImports}} {{.XTestImports}} {{.ImportPath}}' $packages | awk '/\/internal\/hubtest[] ]/ { print $NF }')
for database in mongodb mysql dual; do
  missing=
  [ "$database" = mysql ] || [ -n "${A64_TEST_MONGODB_URL:-}" ] || missing="MongoDB"
  [ "$database" = mongodb ] || [ -n "${A64_TEST_MYSQL_DSN:-}" ] || missing="${missing:+$missing and }MySQL"
  if [ -n "$missing" ]; then
    echo "the hub on $database: not tested, there is no $missing"
    continue
  fi
  echo "the hub on $database"
  A64_TEST_DATABASE=$database go test -shuffle=on -count=1 -timeout 15m $hub
done
