// Package archive is the format of backups: one file that holds every record of a database, whatever its engine was, with
// sums by which damage is found wherever it is, compressed, and encrypted by age (https://age-encryption.org/v1) if asked.
//
// A file begins with a line that names the format and its number. Chunks follow, each of them
//
//	1 byte    its sort: 'H' header, 'R' records, 'T' trailer
//	4 bytes   length of what follows, big endian
//	n bytes   content: JSON; that of records one to a line and compressed by zstd
//	32 bytes  SHA-256 of the sum before it (at first: of the line that names the format), and of all bytes of this chunk so far
//
// The header comes first, the trailer last, and nothing follows it. So the last sum covers the whole file, and a chunk that is
// changed, lost, doubled or moved is found where it stands. A record is written with the names of its Go fields, which a
// golden file holds: whatever changes them is a new format.
//
// The package knows no database. Internal/app reads them into archives and puts archives into them; what an archive promises
// is decided there (docs/adr/0011).
package archive
