#!/usr/bin/env bash
# Fetches the documentation pages' libraries and puts what is needed of them, compressed, into internal/api/docsui/assets.
# The versions below are the ones that assets/README.md names. Needs npm, tar, gzip and sed.
set -euo pipefail

swagger_ui=5.35.0
redoc=2.5.4

assets="$(cd "$(dirname "$0")/.." && pwd)/internal/api/docsui/assets"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
cd "$work"

# unpack NAME VERSION: the package's files, in the folder NAME.
unpack() {
  mkdir "$1"
  tar -xzf "$(npm pack --silent "$1@$2")" -C "$1" --strip-components=1
}

# keep SOURCE NAME [SED-EXPRESSION]: SOURCE without its pointer to a source map, edited, compressed to NAME.gz.
keep() {
  sed -E -e '\|^(//\|/\*)# sourceMappingURL=[^ *]*(\*/)?$|d' ${3:+-e "$3"} "$1" | gzip -9 -n >"$assets/$2.gz"
}

unpack swagger-ui-dist "$swagger_ui"
keep swagger-ui-dist/swagger-ui-bundle.js swagger-ui-bundle.js
keep swagger-ui-dist/swagger-ui.css swagger-ui.css
cat swagger-ui-dist/{NOTICE,LICENSE,swagger-ui-bundle.js.LICENSE.txt} >"$assets/swagger-ui.license.txt"

# Two edits. ReDoc asks another host for its maker's logo: with an empty image instead it shows the maker's name alone.
# And it takes a nonce for its style elements only after it has added the first: so that it takes its script's own.
unpack redoc "$redoc"
keep redoc/bundles/redoc.standalone.js redoc.standalone.js \
  's|https://cdn\.redoc\.ly/redoc/logo-mini\.svg|data:,|; s|([a-z])\.nc=void 0|\1.nc=document.currentScript.nonce|'
cat redoc/LICENSE redoc/bundles/{redoc.standalone.js,*.worker.js}.LICENSE.txt >"$assets/redoc.license.txt"

sed -i -E "s/(swagger-ui-dist[^0-9]*)[0-9.]+[0-9]/\1$swagger_ui/; s/(\`redoc\`[^0-9]*)[0-9.]+[0-9]/\1$redoc/" "$assets/README.md"
cd "$assets" && go test .. -run Sums -update
