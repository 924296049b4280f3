// Package api is the hub's HTTP face: which operation answers at which path, who may call it, how a request is read, what
// an answer looks like, and the OpenAPI document that says all this.
//
//	routes.go    the product on one screen: every operation with its access, status and codes
//	register.go  the one way an operation is served: admit, decode, call, answer
//	access.go    who may call what; where a bearer token may stand
//	body.go      how a request body is read, decode.go what it is decoded into
//	errors.go    what becomes of an error
//	auth.go, sessions.go, users.go, list.go, system.go   the operations with their wire types
//	openapi.go, describe.go   the document and its words
//
// Requests are routed by chi. Huma makes JSON Schemas of the wire types and writes the document; it never sees a request,
// so that none of its errors, which repeat submitted values, can reach a client. What a schema says about a body is what
// the decoder enforces: both come from the same struct tags.
//
// The package knows the use cases of auth and users and no store. What stands in front of every operation (request ids,
// limits, logging, recovery) is package middleware; the form of an error answer is package problem.
package api
