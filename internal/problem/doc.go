// Package problem is the one form of every error answer: RFC 9457 problem details, with our code, the ids of request
// and trace, and the time as extension members.
//
// It decides what of an error may be seen. Texts come from [hub.Problems] or from a [*hub.Error], which is safe to show by
// definition; any other error is a bare INTERNAL_ERROR, or UNAVAILABLE where trying again may help, and its own text goes
// to [telemetry.Facts] for the log only. It decides nothing else: who answers which error is up to the layers that use
// it, internal/api and internal/middleware.
//
// The member "type" is a URN made of the code, such as urn:a64core:problem:token-expired. It names the kind of problem and
// does not resolve; the documentation of errors lists them all.
package problem
