package config

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func TestDevelopmentKeyIsMadeOnceForAllProcesses(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "deep", "data")
	const processes = 32
	keys := make([]string, processes)
	created := make([]bool, processes)
	var group sync.WaitGroup
	start := make(chan struct{})
	for i := range processes {
		group.Go(func() {
			c := Config{Environment: Development, DataDir: dir}
			<-start
			var err error
			if created[i], err = EnsureSecretKey(&c); err != nil {
				t.Error(err)
			}
			keys[i] = c.SecretKey.Reveal()
		})
	}
	close(start)
	group.Wait()
	creators := 0
	for i, key := range keys {
		if key != keys[0] || len(key) < minKeyBytes {
			t.Errorf("process %d has another key, or one of %d bytes", i, len(key))
		}
		if created[i] {
			creators++
		}
	}
	if creators != 1 {
		t.Errorf("%d processes made the key", creators)
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 1 {
		t.Fatalf("left in the folder: %v, %v", files, err)
	}
	if info, err := files[0].Info(); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func TestDevelopmentKeyStaysAndIsShownAsSet(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var keys []string
	for i := range 2 {
		c, err := Load(from(map[string]string{"DATA_DIR": dir}))
		if err != nil {
			t.Fatal(err)
		}
		if created, err := EnsureSecretKey(&c); err != nil || created != (i == 0) {
			t.Fatalf("start %d: created %v, %v", i, created, err)
		}
		keys = append(keys, c.SecretKey.Reveal())
		for _, v := range c.Redacted() {
			if v.Name == "SECRET_KEY" && (v.Value != "[set]" || v.Source != filepath.Join(dir, "secret_key")) {
				t.Errorf("shown as %+v", v)
			}
		}
	}
	if keys[0] != keys[1] {
		t.Error("the key changed")
	}
}

func TestSecretKeyFilesThatAreRefused(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		content string
		mode    os.FileMode
	}{
		{"others may read", strongKey, 0o644},
		{"the group may write", strongKey, 0o620},
		{"short", "CANARY", 0o600},
		{"empty", "", 0o600},
		{"huge", strings.Repeat(strongKey, 100), 0o600},
		{"two lines", strongKey + "\n" + otherKey, 0o600},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			path := filepath.Join(dir, secretKeyFile)
			if err := os.WriteFile(path, []byte(tt.content), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(path, tt.mode); err != nil {
				t.Fatal(err)
			}
			c := Config{Environment: Development, DataDir: dir}
			_, err := EnsureSecretKey(&c)
			if err == nil || !c.SecretKey.IsZero() {
				t.Fatal("accepted")
			}
			if strings.Contains(err.Error(), "CANARY") || strings.Contains(err.Error(), strongKey) {
				t.Errorf("error shows the key: %v", err)
			}
		})
	}
}

func TestKeyIsNeitherReplacedNorMadeOutsideDevelopment(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c, err := Load(from(map[string]string{"DATA_DIR": dir, "SECRET_KEY": strongKey}))
	if err != nil {
		t.Fatal(err)
	}
	if created, err := EnsureSecretKey(&c); created || err != nil || c.SecretKey.Reveal() != strongKey {
		t.Errorf("given key: created %v, %v", created, err)
	}
	c = Config{Environment: Staging, DataDir: dir}
	if _, err := EnsureSecretKey(&c); err == nil {
		t.Error("made a key in staging")
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != 0 {
		t.Errorf("left %v, %v", files, err)
	}
}
