package docsui

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
)

//go:embed assets/*.gz assets/*.css assets/*.js assets/*.txt
var files embed.FS

// asset is a file that the pages load. Its address holds a hash of its content, so that it may be cached forever.
type asset struct {
	name        string
	contentType string
	content     []byte
	compressed  bool // content is gzip
}

// loadAsset reads an embedded file, or its compressed form.
func loadAsset(name, contentType string) (*asset, error) {
	content, err := files.ReadFile("assets/" + name)
	compressed := errors.Is(err, fs.ErrNotExist)
	if compressed {
		content, err = files.ReadFile("assets/" + name + ".gz")
	}
	if err != nil {
		return nil, fmt.Errorf("load asset: %w", err)
	}
	return &asset{name, contentType, content, compressed}, nil
}

// hashedName returns the name with a hash of the content before its extension.
func (a *asset) hashedName() string {
	extension := path.Ext(a.name)
	return fmt.Sprintf("%s.%.8x%s", strings.TrimSuffix(a.name, extension), sha256.Sum256(a.content), extension)
}

// ServeHTTP answers with the file, compressed if it is kept so and the client accepts that.
func (a *asset) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", a.contentType)
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	var body io.Reader = bytes.NewReader(a.content)
	if a.compressed {
		h.Add("Vary", "Accept-Encoding")
	}
	switch {
	case !a.compressed:
		h.Set("Content-Length", strconv.Itoa(len(a.content)))
	case acceptsGzip(r.Header.Values("Accept-Encoding")):
		h.Set("Content-Encoding", "gzip")
		h.Set("Content-Length", strconv.Itoa(len(a.content)))
	default:
		plain, err := gzip.NewReader(body)
		if err != nil {
			http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
			return
		}
		body = plain
	}
	if r.Method != http.MethodHead {
		_, _ = io.Copy(w, body) // fails only when the client has gone
	}
}

// acceptsGzip reads Accept-Encoding (RFC 9110 section 12.5.3). What says nothing of gzip gets the plain file.
func acceptsGzip(header []string) bool {
	accepted := false
	for element := range strings.SplitSeq(strings.Join(header, ","), ",") {
		coding, weight, _ := strings.Cut(element, ";")
		coding = strings.ToLower(strings.TrimSpace(coding))
		if coding != "gzip" && coding != "x-gzip" && coding != "*" {
			continue
		}
		_, q, weighted := strings.Cut(strings.ReplaceAll(weight, " ", ""), "=")
		value, err := strconv.ParseFloat(q, 64)
		accepted = !weighted || err == nil && value > 0
		if coding != "*" { // named, which overrides the wildcard
			return accepted
		}
	}
	return accepted
}
