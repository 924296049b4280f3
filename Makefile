# Everything that one does with this project. `make` alone lists it.
SHELL := /bin/bash
.DEFAULT_GOAL := help
TOOL := go tool -modfile=tools/go.mod
LDFLAGS := -s -w
VERSION ?= v0.0.0

.PHONY: help run test servers servers-stop soak check bench bench-peers bench-save generate build release fuzz docs-assets

help: ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## serve on an embedded database at http://127.0.0.1:8000
	go run ./cmd/a64core serve

test: ## run all tests, packages with the race detector, hold the coverage, and run the hub on each database
	scripts/test.sh

servers: ## start database servers for go test by hand, and print what to export
	@scripts/test-servers.sh start

servers-stop: ## end those servers
	@scripts/test-servers.sh stop

soak: ## the tests that take minutes each, half an hour in all
	scripts/test-servers.sh run go test -p 1 -tags soak -count=1 -timeout 30m -v -run Soak ./...

check: ## vet, lint, format, vulnerabilities, generated files, all platforms
	scripts/check.sh

bench: ## measure against floors in the same run, and compare with docs/performance.json
	go run ./internal/bench

bench-peers: ## compare with PocketBase and Ory Kratos, built from their modules, in the same run
	go run ./internal/bench -only peers

bench-save: ## measure all of that, and keep it as docs/performance.json with its picture
	go run ./internal/bench -peers -save docs/performance.json
	go run ./internal/bench -picture docs/performance.svg

fuzz: ## let every fuzz target look for new input, 10 s each
	scripts/fuzz.sh 10s

generate: ## write the files that are made from code: OpenAPI, errors, settings, mails, licences
	go test ./internal/api -run OpenAPI -update
	go test ./internal/api/docsui -run Sums -update
	go test ./internal/problem -run Page -update
	go test ./internal/mail -run EveryMail -update
	go run ./cmd/a64core config env-example > .env.example
	scripts/licences.sh > docs/dependencies.md

build: ## build the program for this machine into bin/
	CGO_ENABLED=0 go build -trimpath -ldflags="$(LDFLAGS)" -o bin/a64core ./cmd/a64core

release: ## the archives of a release into bin/release: make release VERSION=v1.2.3
	scripts/release.sh $(VERSION) bin/release

docs-assets: ## fetch the documentation pages' scripts anew
	scripts/docs-assets.sh
