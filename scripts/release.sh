#!/usr/bin/env bash
# The archives of a release, with their checksums: for each platform the program, its completion scripts and manual page, and a
# bill of what it is compiled from (CycloneDX). The same commit and the same Go on the same kind of machine give the same bytes.
#   release.sh VERSION FOLDER [OS/ARCH...]      such as: release.sh v1.2.3 bin/release linux/arm64
# Without the repository's history SOURCE_DATE_EPOCH and REVISION say what it would. Needs GNU tar.
set -euo pipefail
version=$1
mkdir -p "$2"
out=$(cd "$2" && pwd)
shift 2
[ $# -gt 0 ] || set -- linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64
cd "$(dirname "$0")/.."
epoch=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
revision=${REVISION:-$(git rev-parse HEAD)}
staging=$(mktemp -d)
trap 'rm -rf "$staging"' EXIT

# build OS/ARCH FILE: as the Dockerfile does.
build() {
  CGO_ENABLED=0 GOOS=${1%/*} GOARCH=${1#*/} go build -trimpath -buildvcs=false \
    -ldflags="-s -w -X main.version=$version -X main.commit=$revision" -o "$2" ./cmd/a64core
}

# What is the same on every platform is written by the program of this one.
build "$(go env GOHOSTOS)/$(go env GOHOSTARCH)" "$staging/a64core"
common=$staging/common
mkdir -p "$common/completion"
cp LICENSE README.md CHANGELOG.md .env.example "$common"
for shell in bash zsh fish; do
  "$staging/a64core" completion "$shell" >"$common/completion/a64core.$shell"
done
"$staging/a64core" man >"$common/a64core.1"

# The bill names the checksum of the tool that writes it, which for that is compiled the same in every folder.
bill() {
  CGO_ENABLED=0 GOFLAGS='-trimpath -buildvcs=false' go tool -modfile=tools/release/go.mod cyclonedx-gomod bin \
    -json -std -noserial -notimestamp -version "$version" -output "$2" "$1" 2>"$staging/log" || { cat "$staging/log" >&2; exit 1; }
}

for target; do
  name=a64core_${version#v}_${target%/*}_${target#*/}
  program=a64core
  [ "${target%/*}" != windows ] || program=a64core.exe
  cp -r "$common" "$staging/$name"
  build "$target" "$staging/$name/$program"
  bill "$staging/$name/$program" "$staging/$name/a64core.cdx.json"
  chmod -R u=rwX,go=rX "$staging/$name"
  # Windows has had tar since 2018.
  tar --create --sort=name --mtime="@$epoch" --owner=0 --group=0 --numeric-owner --format=ustar --directory "$staging" "$name" |
    gzip --no-name --best >"$out/$name.tar.gz"
  cp "$staging/$name/a64core.cdx.json" "$out/$name.cdx.json"
  rm -r "${staging:?}/$name"
done
cd "$out"
sha256sum a64core_* >checksums.txt
