package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

const (
	fleetSize = 3
	alone     = "one instance"
	together  = "three instances"
)

// highLimit is one that no benchmark reaches: Redis decides every request, and admits it.
const highLimit = "1000000"

// measureFleet compares three instances behind nginx with one behind nginx, on databases and limits that they share. On a
// machine whose cores one instance fills, three cannot be faster: what is measured is what sharing costs.
func (b *bench) measureFleet(ctx context.Context) (err error) {
	if len(b.modes) == 0 {
		return errors.New("there is no mode to measure")
	}
	mode := b.modes[len(b.modes)-1] // the largest
	const what = "three instances behind nginx"
	nginx, err := exec.LookPath("nginx")
	switch {
	case err != nil:
		b.leaveOut(mode, what, "there is no nginx in the PATH")
		return nil
	case b.servers.redisURL == "":
		b.leaveOut(mode, what, "A64_BENCH_REDIS_URL names no server")
		return nil
	}
	progress("signing users in, three instances on " + mode)
	db, err := b.newDatabase(ctx, mode)
	if err != nil {
		return err
	}
	var running []*process
	defer func() {
		for _, p := range slices.Backward(running) {
			err = errors.Join(err, p.stop())
		}
	}()
	behindNginx := func(addrs []string) (map[string]*process, error) {
		proxies := make(map[string]*process)
		for name, behind := range map[string][]string{alone: addrs[:1], together: addrs} {
			p, err := serveNginx(ctx, nginx, b.dir, behind)
			if err != nil {
				return nil, err
			}
			running, proxies[name] = append(running, p), p
		}
		return proxies, nil
	}
	var addrs, floorAddrs []string
	for i := range fleetSize {
		p, err := b.program.serve(ctx, db, "REDIS_URL="+b.servers.redisURL, "TRUSTED_PROXIES=127.0.0.1",
			"RATE_LIMIT_GUEST="+highLimit, "RATE_LIMIT_USER="+highLimit, "LOG_FILE="+filepath.Join(db.dir, fmt.Sprintf("hub%d.log", i+1)))
		if err != nil {
			return err
		}
		running, addrs = append(running, p), append(addrs, p.addr)
	}
	hubs, err := behindNginx(addrs)
	if err != nil {
		return err
	}
	subjects := make(map[string]*subject)
	for name, p := range hubs {
		subjects[name] = &subject{mode: mode, server: p}
	}
	if err := subjects[together].signUp(ctx); err != nil {
		return err
	}
	subjects[alone].clients = subjects[together].clients
	if err := b.compareFleet(ctx, mode, subjects); err != nil {
		return err
	}
	answer, err := subjects[together].me(ctx)
	if err != nil {
		return err
	}
	for range fleetSize {
		p, err := serveFloorProcess(ctx, b.program.key, answer)
		if err != nil {
			return err
		}
		running, floorAddrs = append(running, p), append(floorAddrs, p.addr)
	}
	floors, err := behindNginx(floorAddrs)
	if err != nil {
		return err
	}
	return b.compareFloors(ctx, floors, subjects[together].clients[0].AccessToken)
}

// compareFloors tells what three processes cost that share nothing but the machine.
func (b *bench) compareFloors(ctx context.Context, floors map[string]*process, token string) error {
	progress("GET /auth/me, one floor and three")
	var turns []turn
	for _, name := range []string{alone, together} {
		turns = append(turns, turn{name, nil, func() (result, error) {
			return load(ctx, floors[name].addr, clients, b.duration, 200, always(meRequest(token)))
		}})
	}
	r, err := takeTurns(b.rounds, turns)
	if err == nil {
		b.add(row{Mode: floorName, What: "GET /auth/me through nginx, three instances", figures: r.of(together), Than: r.than(alone, together, rate)})
	}
	return err
}

// compareFleet has both take turns.
func (b *bench) compareFleet(ctx context.Context, mode string, subjects map[string]*subject) error {
	current := subjects[together] // whose clients have the tokens: each refresh is that of the round before
	for _, l := range []struct {
		what string
		next func(client int) func([]byte) request
	}{
		{"GET /auth/me", func(client int) func([]byte) request {
			return always(meRequest(current.clients[client].AccessToken))(client)
		}},
		{"refresh", current.refreshes},
	} {
		progress(l.what + ", one instance and three")
		var turns []turn
		for _, name := range []string{alone, together} {
			turns = append(turns, turn{name, nil, func() (result, error) {
				return load(ctx, subjects[name].server.addr, clients, b.duration, 200, l.next)
			}})
		}
		r, err := takeTurns(b.rounds, turns)
		if err != nil {
			return err
		}
		than := r.than(alone, together, rate)
		b.add(row{Mode: mode, What: l.what + " through nginx, three instances", figures: r.of(together), Than: than}, atLeast(than.Ratio, .9, "of one"))
	}
	return nil
}

// serveNginx starts nginx with the configuration that we ship in front of the instances, but without TLS, which would only
// hide what is compared.
func serveNginx(ctx context.Context, nginx, parent string, instances []string) (*process, error) {
	dir, err := os.MkdirTemp(parent, "nginx-")
	if err != nil {
		return nil, fmt.Errorf("make a folder: %w", err)
	}
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(filepath.Join("deploy", "nginx", "nginx.conf"))
	if err != nil {
		return nil, fmt.Errorf("read nginx's configuration: %w", err)
	}
	plain := regexp.MustCompile(`(?m)^ *(listen 443|ssl_|if \(\$https).*\n|^ *server api\d:.*\n`).ReplaceAllString(string(text), "")
	var servers strings.Builder
	for _, instance := range instances {
		servers.WriteString("server " + instance + " max_fails=1 fail_timeout=1s;\n")
	}
	plain = strings.NewReplacer("listen 80 ", "listen "+addr+" ", "zone hub 256k;", "zone hub 256k;\n"+servers.String(),
		"/run/nginx.pid", dir+"/pid", "/tmp/nginx-", dir+"/", "/dev/stdout", dir+"/access.log").Replace(plain)
	file := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(file, []byte(plain), 0o600); err != nil {
		return nil, fmt.Errorf("write nginx's configuration: %w", err)
	}
	directives := "daemon off;"
	if os.Getuid() == 0 {
		directives += " user root;" // nobody else may enter the folder
	}
	cmd := exec.CommandContext(ctx, nginx, "-p", dir, "-e", filepath.Join(dir, "error.log"), "-c", file, "-g", directives)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) } // its workers would outlive a kill
	return start(ctx, addr, "/api/health", cmd)
}
