// Package userfile reads and writes files of accounts, one a row, as JSON Lines or CSV.
//
// It knows the columns, which values they may have, and how each format spells them; what is wrong is named by line and
// column and never repeated. It knows no store: what becomes of a row is for package users to decide, and package app
// drives both. Whatever the size of a file, one row is held at a time.
//
// # CSV
//
// The first line names the columns, in any order. A spreadsheet would run a cell that begins with one of = + - @ as a formula
// (OWASP, "CSV Injection"): the writer puts an apostrophe before it, and the reader takes that away.
package userfile
