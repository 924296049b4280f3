package docsui

import (
	"bytes"
	"crypto/rand"
	"html/template"
	"net/http"
	"strconv"
)

// page is one HTML page. It has no inline script and no inline style.
type page struct {
	Title   string
	Spec    string // URL of the OpenAPI document
	License string
	Styles  []string
	Scripts []string
}

// pageTemplate makes a page. The empty icon keeps browsers from asking for /favicon.ico.
var pageTemplate = template.Must(template.New("page").Parse(`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{.Page.Title}}</title>
<link rel="icon" href="data:,">
<link rel="license" href="{{.Page.License}}">
{{- range .Page.Styles}}
<link rel="stylesheet" href="{{.}}">
{{- end}}
{{- range .Page.Scripts}}
<script defer nonce="{{$.Nonce}}" src="{{.}}"></script>
{{- end}}
</head>
<body>
<div id="docs" data-spec="{{.Page.Spec}}"></div>
</body>
</html>
`))

// policy is the Content-Security-Policy of a page, up to the nonce. Scripts come from files only. The nonce is for the
// style elements that ReDoc adds: it takes the one of its script element. It searches in a worker made from a blob.
const policy = "default-src 'none'; script-src 'self'; connect-src 'self'; img-src 'self' data:; font-src 'self' data:; " +
	"worker-src blob:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; style-src 'self' 'nonce-"

// ServeHTTP answers with the page, under its own policy instead of the stricter one of the API's other answers.
func (p *page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	nonce := rand.Text()
	var body bytes.Buffer
	err := pageTemplate.Execute(&body, struct {
		Page  *page
		Nonce string
	}{p, nonce})
	if err != nil {
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(body.Len()))
	h.Set("Content-Security-Policy", policy+nonce+"'")
	h.Set("Cache-Control", "no-store") // a nonce serves once
	if r.Method != http.MethodHead {
		_, _ = w.Write(body.Bytes()) // fails only when the client has gone
	}
}
