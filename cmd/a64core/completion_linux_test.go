package main

import "testing"

// TestShellsComplete types at a real shell's prompt.
func TestShellsComplete(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		shell string
		args  []string
		load  string
	}{
		{"bash", []string{"--noprofile", "--norc", "-i"}, `. <(a64core completion bash)`},
		{"zsh", []string{"-f", "-i"}, `autoload -U compinit && compinit -D && . <(a64core completion zsh)`},
	} {
		t.Run(tt.shell, func(t *testing.T) {
			t.Parallel()
			p := startAtTerminal(t, shell(t, tt.shell, tt.args...))
			p.keyboard.WriteString(tt.load + "; echo rea''dy\n")
			p.screen.wait(t, "ready")
			p.keyboard.WriteString("a64core us\tcr\t--rol\tadm\t\x01echo typed: \n") // Ctrl-A goes to the beginning of the line
			p.screen.wait(t, "typed: a64core users create --role admin\r\n")
		})
	}
}
