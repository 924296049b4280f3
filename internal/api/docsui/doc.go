// Package docsui serves two pages that show an OpenAPI document: Swagger UI to try operations, ReDoc to read. Pages,
// libraries and licences are in the binary; a browser asks no other host for anything, and each page's own
// Content-Security-Policy holds it to that.
//
// The document itself is served by package api, which also mounts the [Routes]. How the libraries came here, and how to
// renew them, stands in assets/README.md.
package docsui
