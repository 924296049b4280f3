package mail

import (
	"embed"
	"errors"
	"fmt"
	htmltemplate "html/template"
	"io/fs"
	netmail "net/mail"
	"path"
	"strings"
	texttemplate "text/template"
	"unicode"

	"github.com/a64core/hub"
)

// embedded holds layout.txt and layout.html, which give every mail its form, and a folder for each language. A language
// is one file for each kind of mail, with the blocks
//
//	subject  one line
//	intro    paragraphs before the link, separated by empty lines
//	action   what the link does, in kinds that carry one
//	outro    paragraphs after it
//
// and frame.tmpl with what all kinds share. Wording is plain text; the layouts make text and HTML of the same words. A
// new language is a new folder, named by its lower-case BCP 47 tag.
//
//go:embed templates
var embedded embed.FS

const defaultLanguage = "en"

// Site is what every mail says about this hub.
type Site struct {
	AppName     string // names the product in subjects and texts
	From        string // the sender: "hub@example.com" or "The Hub <hub@example.com>"
	FrontendURL string // where links lead; see Link
}

// Templates writes messages. It is safe for concurrent use.
type Templates struct {
	appName     string
	from        netmail.Address
	frontendURL string
	text        *texttemplate.Template
	html        *htmltemplate.Template
	languages   map[string]language
}

type language map[hub.MailKind]*texttemplate.Template

// NewTemplates checks the site and reads the embedded templates. A sender without a name gets the app's.
func NewTemplates(site Site) (*Templates, error) {
	from, err := netmail.ParseAddress(site.From)
	switch {
	case err != nil || !isBareAddress(from.Address):
		return nil, errors.New("mail sender: malformed address")
	case strings.TrimSpace(site.AppName) == "" || strings.ContainsFunc(site.AppName, unicode.IsControl):
		return nil, errors.New("app name: empty, or holds control characters")
	}
	if _, err := parseFrontendURL(site.FrontendURL); err != nil {
		return nil, err
	}
	if from.Name == "" {
		from.Name = site.AppName
	}
	t := &Templates{appName: site.AppName, from: *from, frontendURL: site.FrontendURL}
	if err := t.parse(embedded); err != nil {
		return nil, fmt.Errorf("parse mail templates: %w", err)
	}
	return t, nil
}

func (t *Templates) parse(files fs.FS) (err error) {
	if t.text, err = texttemplate.ParseFS(files, "templates/layout.txt"); err != nil {
		return err
	}
	if t.html, err = htmltemplate.ParseFS(files, "templates/layout.html"); err != nil {
		return err
	}
	frames, err := fs.Glob(files, "templates/*/frame.tmpl")
	if err != nil {
		return err
	}
	t.languages = make(map[string]language, len(frames))
	for _, frame := range frames {
		dir := path.Dir(frame)
		if t.languages[path.Base(dir)], err = parseLanguage(files, dir); err != nil {
			return err
		}
	}
	return nil
}

func parseLanguage(files fs.FS, dir string) (language, error) {
	names, err := fs.Glob(files, dir+"/*.tmpl")
	if err != nil {
		return nil, err
	}
	frame, err := texttemplate.ParseFS(files, dir+"/frame.tmpl")
	if err != nil {
		return nil, err
	}
	lang := make(language, len(names))
	for _, name := range names {
		kind := strings.TrimSuffix(path.Base(name), ".tmpl")
		if kind == "frame" {
			continue
		}
		words, err := frame.Clone() // which shares what was parsed
		if err != nil {
			return nil, err
		}
		if lang[hub.MailKind(kind)], err = words.ParseFS(files, name); err != nil {
			return nil, err
		}
	}
	return lang, nil
}

// Render writes the message of a letter. Its ID and Date are left to whoever sends it. Errors do not repeat what stands
// in the letter, except the kind.
func (t *Templates) Render(l Letter) (Message, error) {
	tag, words := t.wording(l.Kind, l.Locale)
	if words == nil {
		return Message{}, fmt.Errorf("no template for a mail of kind %q", l.Kind)
	}
	m := Message{From: t.from, To: l.To}
	if page := linkPath(l.Kind); page != "" {
		var err error
		if m.Link, err = Link(t.frontendURL, page, l.Token); err != nil {
			return Message{}, err
		}
	}
	p, err := t.page(words, l)
	if err != nil {
		return Message{}, err
	}
	p.Language, p.Link = tag, m.Link.Reveal()
	m.Subject = p.Subject
	var text, html strings.Builder
	if err := t.text.Execute(&text, p); err != nil {
		return Message{}, fmt.Errorf("lay out text: %w", err)
	}
	if err := t.html.Execute(&html, p); err != nil {
		return Message{}, fmt.Errorf("lay out HTML: %w", err)
	}
	m.Text, m.HTML = hub.NewSecret(text.String()), hub.NewSecret(html.String())
	return m, nil
}

// wording finds the words for a kind in the language closest to locale: "de-AT", then "de", then the default.
func (t *Templates) wording(kind hub.MailKind, locale string) (tag string, words *texttemplate.Template) {
	tag = strings.ToLower(strings.ReplaceAll(locale, "_", "-"))
	for tag != "" {
		if words := t.languages[tag][kind]; words != nil {
			return tag, words
		}
		tag = tag[:max(0, strings.LastIndexByte(tag, '-'))]
	}
	return defaultLanguage, t.languages[defaultLanguage][kind]
}
