#!/usr/bin/env bash
# Everything that looks at the code without running it. Each step says its name; the first that finds something ends it.
set -euo pipefail
cd "$(dirname "$0")/.."
tool() { go tool -modfile=tools/go.mod "$@"; }
step() { printf '== %s\n' "$*"; }

step formatting
unformatted=$(tool gofumpt -l $(git ls-files '*.go'))
if [ -n "$unformatted" ]; then
  printf 'gofumpt would change:\n%s\n' "$unformatted"
  exit 1
fi

step golangci-lint, with go vet and staticcheck
tool golangci-lint run ./...
go -C deploy/test vet .
(cd deploy/test && go tool -modfile=../../tools/go.mod staticcheck .)

step go.mod is tidy
go mod tidy -diff
go -C deploy/test mod tidy -diff

step generated files
go test -count=1 ./internal/api ./internal/problem ./internal/mail -run 'OpenAPI|Page|EveryMail' >/dev/null
diff <(go run ./cmd/a64core config env-example) .env.example
diff <(scripts/licences.sh) docs/dependencies.md # fails for a licence that is not among the usual ones

step workflows
go tool -modfile=tools/release/go.mod actionlint -shellcheck= -pyflakes=

step builds for every platform
for target in linux/arm64 darwin/arm64 windows/amd64; do
  CGO_ENABLED=0 GOOS=${target%/*} GOARCH=${target#*/} go build -o /dev/null ./cmd/a64core
done

step a release is the same from another folder
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
target=$(go env GOHOSTOS)/$(go env GOHOSTARCH)
scripts/release.sh v0.0.0 "$made/here" "$target"
(cd "$made/here" && sha256sum --check --quiet checksums.txt)
mkdir "$made/copy"
git ls-files -z | tar --create --null --files-from - | tar --extract --directory "$made/copy"
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct) REVISION=$(git rev-parse HEAD) \
  "$made/copy/scripts/release.sh" v0.0.0 "$made/there" "$target"
for file in "$made"/there/a64core_*; do
  cmp "$file" "$made/here/${file##*/}"
done

step govulncheck
# A64_VULNDB names another database, such as file:///var/lib/vulndb. Without one, and without a network, there is nothing to
# compare with: that is said, and is no failure.
if ! out=$(tool govulncheck ${A64_VULNDB:+-db "$A64_VULNDB"} ./... 2>&1); then
  if grep -q -e 'fetching vulnerabilities' -e 'dial tcp' -e 'no such host' -e 'connection refused' -e 'HTTP GET' <<<"$out"; then
    echo "the vulnerability database cannot be reached: not checked"
  else
    echo "$out"
    exit 1
  fi
fi
echo "all checks passed"
