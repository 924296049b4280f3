#!/usr/bin/env bash
# Prints docs/dependencies.md: each module that is linked into the program on any platform that we build for or used by its tests,
# its version and its licence. It fails for a licence that is not among those below, and for a module without one.
set -euo pipefail
cd "$(dirname "$0")/.."

# licence names the licence of a text by sentences that only it has.
licence() {
  local text
  text=$(tr -s '[:space:]' ' ' <"$1")
  case "$text" in
    *"Mozilla Public License Version 2.0"* | *"Mozilla Public License, version 2.0"*) echo MPL-2.0 ;;
    *"GNU "*"GENERAL PUBLIC LICENSE"*) echo GPL ;;
    *"Apache License Version 2.0"* | *"Apache License, Version 2.0"*) echo Apache-2.0 ;;
    *"Permission is hereby granted, free of charge"*) echo MIT ;;
    *"Permission to use, copy, modify, and"*"distribute this software for any purpose with or without fee"*) echo ISC ;;
    *"Redistribution and use in source and binary forms"*"Neither the name"* | *"Redistribution and use in source and binary forms"*"may not be used to endorse"*) echo BSD-3-Clause ;;
    *"Redistribution and use in source and binary forms"*) echo BSD-2-Clause ;;
    *"This is free and unencumbered software released into the public domain"*) echo Unlicense ;;
    *) return 1 ;;
  esac
}

modules() {
  for platform in linux/amd64 darwin/arm64 windows/amd64; do
    CGO_ENABLED=0 GOOS=${platform%/*} GOARCH=${platform#*/} go list -deps -test \
      -f '{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}} {{.Dir}}{{end}}{{end}}' ./...
  done | LC_ALL=C sort -u
}

cat <<'TEXT'
# Dependencies
Written by `scripts/licences.sh` (`make generate`); do not edit. The modules in the program, on whatever platform, and in its tests. `go.mod`
pins each version and `go.sum` its content. Tools have a `tools/go.mod` of their own and are in neither. The
documentation pages are made with Swagger UI (Apache-2.0) and ReDoc (MIT), which are kept beside them with their notices.

| module | version | licence |
|---|---|---|
TEXT
modules | while read -r path version dir; do
  file=$(find -L "$dir" -maxdepth 1 -type f \( -iname 'licen[sc]e*' -o -iname 'copying*' -o -iname 'unlicense*' \) | LC_ALL=C sort | head -n 1)
  if [ -z "$file" ] || ! name=$(licence "$file") || [ "$name" = GPL ]; then
    echo "$path $version: ${name:-no known} licence in ${file:-no file}" >&2
    exit 1
  fi
  printf '| `%s` | %s | %s |\n' "$path" "$version" "$name"
done
