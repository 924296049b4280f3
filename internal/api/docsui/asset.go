package docsui

import (
	"compress/gzip"
	"embed"
	"fmt"
	"io"
	"net/http"
	"path"
	"strconv"
	"strings"
)

//go:embed assets/*.gz assets/*.css assets/*.js assets/*.txt
var files embed.FS

// sums are the SHA-256 of all assets, as sha256sum prints them. They are kept and not computed, so that a hub whose pages
// nobody reads keeps none of their megabyte in memory.
//
//go:embed assets/SHA256SUMS
var sums string

// asset is a file that the pages load. Its address holds the beginning of its SHA-256, so that it may be cached forever.
type asset struct {
	name        string
	contentType string
	sum         string // hexadecimal
	compressed  bool   // it is kept as name.gz
}

// findAsset returns the asset that is kept under the name, or compressed under it and ".gz".
func findAsset(name, contentType string) (*asset, error) {
	for line := range strings.Lines(sums) {
		sum, file, _ := strings.Cut(strings.TrimSpace(line), "  ")
		if plain, compressed := strings.CutSuffix(file, ".gz"); plain == name {
			return &asset{name, contentType, sum, compressed}, nil
		}
	}
	return nil, fmt.Errorf("SHA256SUMS has no %s", name)
}

// file is where the asset is kept.
func (a *asset) file() string {
	if a.compressed {
		return "assets/" + a.name + ".gz"
	}
	return "assets/" + a.name
}

// address returns the path that the asset is served at.
func (a *asset) address() string {
	extension := path.Ext(a.name)
	return assetsPath + strings.TrimSuffix(a.name, extension) + "." + a.sum[:16] + extension
}

// ServeHTTP answers with the file, compressed if it is kept so and the client accepts that.
func (a *asset) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := a.serve(w, r); err != nil {
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
	}
}

// serve returns an error only if it has answered nothing.
func (a *asset) serve(w http.ResponseWriter, r *http.Request) error {
	content, err := files.Open(a.file())
	if err != nil {
		return err
	}
	about, err := content.Stat()
	if err != nil {
		return err
	}
	var body io.Reader = content
	size := strconv.FormatInt(about.Size(), 10)
	h := w.Header()
	switch {
	case !a.compressed:
		h.Set("Content-Length", size)
	case acceptsGzip(r.Header.Values("Accept-Encoding")):
		h.Set("Content-Encoding", "gzip")
		h.Set("Content-Length", size)
	default:
		plain, err := gzip.NewReader(content)
		if err != nil {
			return err
		}
		body = plain
	}
	if a.compressed {
		h.Add("Vary", "Accept-Encoding")
	}
	h.Set("Content-Type", a.contentType)
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	if r.Method != http.MethodHead {
		_, _ = io.Copy(w, body) // fails only when the client has gone
	}
	return nil
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
