#!/usr/bin/env bash
# All tests in random order: packages with the race detector, the program as a process without it; those of the whole hub on each
# other database, without it too; and the share of our statements that they run. Servers that the environment does not name are started for them, where they can be had.
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
trap 'rm -rf "$outputs"' EXIT
packages=$(go list ./... | grep -v /internal/bench) # the load generator is no part of the hub, nor of its coverage
measured=$(echo "$packages" | grep -v -e /storetest -e /hubtest -e /testdb | paste -sd,)
go test -vet=off -count=1 ./internal/bench
export CGO_ENABLED=1 A64_TEST_DATABASE=sqlite

# In memory nobody waits for a disk, and a process that is killed leaves as much there. Containers may have little of it.
if [ "$(df --output=avail /dev/shm 2>/dev/null | tail -n 1)" -gt 4000000 ] 2>/dev/null; then export TMPDIR=/dev/shm; fi

# The race detector sees nothing of SQLite, whose memory is none of Go's, and a hash shares none: to look on costs more than the
# rest. Only packages without type parameters may be left out, as the linker keeps one of several copies of a generic function.
unseen=(modernc.org/sqlite/lib modernc.org/libc golang.org/x/crypto/blowfish)

# tested NAME FLAG... PACKAGE...: tests packages and notes the statements that they run. The output keeps what is news.
tested() {
  local profile=$outputs/$1.cover
  shift
  go test -vet=off -shuffle=on -count=1 -timeout 15m -coverprofile="$profile" "$@" |
    sed -u -E -e '/^[[:space:]].*coverage: 0.0% of statements/d' -e 's/[[:space:]]*coverage: [^[:space:]]+ of statements.*//'
}

# What tests the whole hub, on the databases that it is not on under the race detector. There the stores are, and the pair of them.
hub=$(go list -f '{{.TestImports}} {{.XTestImports}} {{.ImportPath}}' $packages | awk '/\/internal\/hubtest[] ]/ && !/\/attack$/ { print $NF }')

databases=
[ -z "${A64_TEST_MYSQL_DSN:-}" ] || databases+=" mysql"
[ -z "${A64_TEST_MONGODB_URL:-}" ] || databases+=" mongodb"
[ "$databases" != " mysql mongodb" ] || databases+=" dual"

# besides: the tests of the program, which run it as a process that the race detector does not see, and of the hub.
besides() {
  local status=0
  tested program -coverpkg="$measured" ./cmd/a64core || status=1
  echo "the hub on:${databases:- nothing else, there is no MySQL and no MongoDB}"
  [ -z "$databases" ] || A64_TEST_DATABASES=$databases tested hub -exec "$PWD/scripts/each-database.sh" -coverpkg="$measured" $hub || status=1
  return "$status"
}

# Of the packages that run under the race detector only the statements of each's own are noted: noting all, in step with other
# goroutines, costs more than the tests. What takes longest begins first. Some run side by side, since tests wait for servers and
# disks most of the time.
long=$(echo "$packages" | grep -e /store/replica$; echo "$packages" | grep -e /internal/api$ -e /store/sqlstore$ -e /store/mongostore$)
besides >"$outputs/besides" 2>&1 &
tested race -race $(printf -- '-gcflags=%s=-race=false ' "${unseen[@]}") -p "$(getconf _NPROCESSORS_ONLN)" $long $(echo "$packages" | grep -v -x -F -e github.com/a64core/hub/cmd/a64core -e "$long") || failed=yes
echo "what the hub is deployed with"
go -C deploy/test test -vet=off -count=1 -timeout 10m . || failed=yes
wait $! || failed=yes
cat "$outputs/besides"
[ -z "${failed:-}" ]

# A statement counts as run if any tests run it: the profiles name it once for each package.
awk -v least="$least" '
  FNR > 1 && !/\/(storetest|hubtest|testdb)\// { count[$1] = $2; if ($3 > 0) run[$1] = 1 }
  END {
    for (block in count) { all += count[block]; if (run[block]) covered += count[block] }
    share = 100 * covered / all
    printf "coverage: %.1f %% of %d statements (at least %d %%)\n", share, all, least
    exit share < least
  }' "$outputs"/*.cover
