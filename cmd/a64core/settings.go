package main

import (
	"fmt"
	"reflect"

	"github.com/alecthomas/kong"

	"github.com/a64core/hub/internal/config"
)

// settingFlags are the flags made from the table of settings.
type settingFlags struct {
	target any // pointer to a struct with one pointer a setting, nil where the flag is not given
}

func newSettingFlags() settingFlags {
	var fields []reflect.StructField
	for _, s := range config.Settings() {
		field := reflect.StructField{Name: s.Name, Type: reflect.TypeFor[*string]()}
		if s.IsBool() {
			field.Type = reflect.TypeFor[*bool]()
		}
		placeholder := s.Default
		if placeholder == "" {
			placeholder = "..."
		}
		field.Tag = reflect.StructTag(fmt.Sprintf(`name:%q help:%q group:%q placeholder:%q hidden:""`, s.Flag(), s.Help, s.Group+":", placeholder))
		fields = append(fields, field)
	}
	return settingFlags{reflect.New(reflect.StructOf(fields)).Interface()}
}

// given returns the values of the flags given, by the setting's name.
func (f settingFlags) given() map[string]string {
	values := make(map[string]string)
	for field, value := range reflect.ValueOf(f.target).Elem().Fields() {
		if !value.IsNil() {
			values[field.Name] = fmt.Sprint(value.Elem())
		}
	}
	return values
}

// printHelp prints a command's help: with the flags of all settings only where the grammar marks it, because there are
// many.
func printHelp(options kong.HelpOptions, ctx *kong.Context) error {
	if node := ctx.Selected(); node != nil && node.Tag.Has("settings") {
		for _, flag := range ctx.Flags() {
			flag.Hidden = false
		}
	}
	return kong.DefaultHelpPrinter(options, ctx)
}
