// Package app wires the hub: it takes the settings, opens the store, fills the services by literals, puts the middleware
// in front of the operations, and runs the server and the workers until its context ends. It is the only package that
// knows all the others; nothing imports it but the command line and the tests.
package app
