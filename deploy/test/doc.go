// Package test checks what the hub is deployed with: the Dockerfile, the Compose files and the Kubernetes manifests. What they
// are loaded with is what Docker, Compose and kubectl are made of, and the program that they name is built as the Dockerfile
// builds it and run with the settings that they give.
//
// It is a module of its own, so that none of that becomes a dependency of the hub. For the same reason it knows the hub only as
// a program: what settings there are, "config print" says, and whether some are right, "config check". Its neighbours are
// the folders beside it; cmd/a64core tests the program itself.
package test
