package docsui

import "net/http"

// The pages' paths.
const (
	SwaggerUIPath = "/api/docs"
	ReDocPath     = "/api/redoc"

	assetsPath = "/api/docs/assets/"
)

// Routes returns a handler for each path of the pages and of what they load. All serve GET and HEAD and leave it to the
// router to refuse the rest; none redirects. specURL is where browsers find the OpenAPI document, on the same host.
func Routes(specURL string) (map[string]http.Handler, error) {
	routes := make(map[string]http.Handler)
	links := make(map[string]string)
	for _, f := range []struct{ name, contentType string }{
		{"docs.css", "text/css; charset=utf-8"},
		{"swagger-ui.css", "text/css; charset=utf-8"},
		{"swagger-ui-bundle.js", "text/javascript; charset=utf-8"},
		{"swagger-ui-init.js", "text/javascript; charset=utf-8"},
		{"swagger-ui.license.txt", "text/plain; charset=utf-8"},
		{"redoc.standalone.js", "text/javascript; charset=utf-8"},
		{"redoc-init.js", "text/javascript; charset=utf-8"},
		{"redoc.license.txt", "text/plain; charset=utf-8"},
	} {
		a, err := findAsset(f.name, f.contentType)
		if err != nil {
			return nil, err
		}
		links[f.name] = a.address()
		routes[links[f.name]] = a
	}
	routes[SwaggerUIPath] = &page{
		Title: "API: try it", Spec: specURL, License: links["swagger-ui.license.txt"],
		Styles:  []string{links["docs.css"], links["swagger-ui.css"]},
		Scripts: []string{links["swagger-ui-bundle.js"], links["swagger-ui-init.js"]},
	}
	routes[ReDocPath] = &page{
		Title: "API reference", Spec: specURL, License: links["redoc.license.txt"],
		Styles:  []string{links["docs.css"]},
		Scripts: []string{links["redoc.standalone.js"], links["redoc-init.js"]},
	}
	return routes, nil
}
