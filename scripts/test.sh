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

outputs=$(mktemp -d)
profile=$outputs/coverage
trap 'rm -rf "$outputs"' EXIT
packages=$(go list ./... | grep -v /internal/bench) # the load generator is no part of the hub
go vet ./internal/bench
export CGO_ENABLED=1
# More packages at once than there are cores, since most of the time tests wait for servers and disks.
A64_TEST_DATABASE=sqlite go test -p $(($(getconf _NPROCESSORS_ONLN) + 1)) -race -shuffle=on -count=1 -timeout 15m \
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

# The hub on the databases that it was not on so far: the servers one at a time, but side by side, and then both together. The
# stores and the pair of them were under the race detector above.
hub=$(go list -f '{{.TestImports}} {{.XTestImports}} {{.ImportPath}}' $packages | awk '/\/internal\/hubtest[] ]/ { print $NF }')

# hub_on DATABASE: tests it there, if there is what it needs, and keeps what that says.
hub_on() {
  local missing=
  [ "$1" = mysql ] || [ -n "${A64_TEST_MONGODB_URL:-}" ] || missing="MongoDB"
  [ "$1" = mongodb ] || [ -n "${A64_TEST_MYSQL_DSN:-}" ] || missing="${missing:+$missing and }MySQL"
  if [ -n "$missing" ]; then
    echo "the hub on $1: not tested, there is no $missing" >"$outputs/$1"
    return
  fi
  echo "the hub on $1" >"$outputs/$1"
  A64_TEST_DATABASE=$1 go test -shuffle=on -count=1 -timeout 15m $hub >>"$outputs/$1" 2>&1
}

go test -run '^$' $hub >/dev/null # compiled once, and not by two at a time
hub_on mysql &
hub_on mongodb || failed=yes
wait $! || failed=yes
hub_on dual || failed=yes
cat "$outputs"/{mysql,mongodb,dual}
[ -z "${failed:-}" ]

echo "what the hub is deployed with"
go -C deploy/test test -count=1 -timeout 10m .
