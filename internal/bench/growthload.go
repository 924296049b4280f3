package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
)

// growthLoad is a load whose cost must not follow the number of users.
type growthLoad struct {
	what   string
	want   int
	isPage bool // of the list of all
	next   func(ctx context.Context, g *grown) (func(client int) func(last []byte) request, error)
}

func growthLoads() []growthLoad {
	simple := func(next func(g *grown, client int) func([]byte) request) func(context.Context, *grown) (func(int) func([]byte) request, error) {
		return func(_ context.Context, g *grown) (func(int) func([]byte) request, error) {
			return func(client int) func([]byte) request { return next(g, client) }, nil
		}
	}
	list := func(what string, path func(context.Context, *grown) (string, error)) growthLoad {
		return growthLoad{what: what, want: 200, next: func(ctx context.Context, g *grown) (func(int) func([]byte) request, error) {
			found, err := path(ctx, g)
			return always(newRequest("GET", found, g.admin.AccessToken, nil)), err
		}}
	}
	pageOf := func(what string, path func(context.Context, *grown) (string, error)) growthLoad {
		l := list(what, path)
		l.isPage = true
		return l
	}
	first := func(filter string) func(context.Context, *grown) (string, error) {
		return func(context.Context, *grown) (string, error) { return listPath + filter, nil }
	}
	page := func(number func(g *grown) int) func(context.Context, *grown) (string, error) {
		return func(ctx context.Context, g *grown) (string, error) { return g.pagePath(ctx, number(g)) }
	}
	return []growthLoad{
		pageOf("GET /users, page 1", first("")),
		pageOf("GET /users, a page in the middle, by cursor", page(func(g *grown) int { return g.pages() / 2 })),
		pageOf(fmt.Sprintf("GET /users, page %d or the last, by cursor", farPage), page(func(g *grown) int { return min(farPage, g.pages()) })),
		list("GET /users?role=user&sort=email", first("&role=user&sort=email")),
		list("GET /users?isActive=false, one in forty", first("&isActive=false")),
		list("GET /users?search=a, one in sixteen", first("&search=a")),
		list("GET /users?search=ada, all", first("&search=ada")),
		{what: "GET /users, search for an address", want: 200, next: simple((*grown).searches)},
		{what: "GET /users/{userId}", want: 200, next: simple((*grown).views)},
		{what: "GET /auth/me", want: 200, next: simple(func(g *grown, client int) func([]byte) request {
			return always(meRequest(g.clients[client].AccessToken))(client)
		})},
		{what: "refresh", want: 200, next: simple(func(g *grown, client int) func([]byte) request { return g.refreshes(client) })},
		{what: "login, bcrypt " + growthCost, want: 200, next: simple(func(_ *grown, client int) func([]byte) request { return logsIn(client) })},
		{what: "register, bcrypt " + growthCost, want: 201, next: simple((*grown).registers)},
	}
}

const (
	perPage  = 20
	listPath = "/api/v1/users?perPage=20"
)

func (g *grown) pages() int { return g.users / perPage }

// pagePath returns how to ask for a page behind the first by cursor.
func (g *grown) pagePath(ctx context.Context, page int) (string, error) {
	answer, err := g.ask(ctx, 200, newRequest("GET", listPath+"&page="+strconv.Itoa(page-1), g.admin.AccessToken, nil))
	if err != nil {
		return "", err
	}
	var before struct {
		Meta struct{ NextCursor string }
	}
	if err := json.Unmarshal(answer, &before); err != nil {
		return "", err
	}
	if before.Meta.NextCursor == "" {
		return "", fmt.Errorf("there is no page %d", page)
	}
	return listPath + "&cursor=" + before.Meta.NextCursor, nil
}

// searches looks for addresses of which the beginning is known, each for another.
func (g *grown) searches(client int) func([]byte) request {
	i := client
	return func([]byte) request {
		i = (i + listConns) % g.users
		return newRequest("GET", "/api/v1/users?search="+member(max(i, 1), nil).Email[:6], g.admin.AccessToken, nil)
	}
}

func (g *grown) views(client int) func([]byte) request {
	i := client
	return func([]byte) request {
		i += listConns
		return newRequest("GET", "/api/v1/users/"+g.ids[i%len(g.ids)], g.admin.AccessToken, nil)
	}
}

// registers adds users, each client others than the rest, and others in each round.
func (g *grown) registers(client int) func([]byte) request {
	g.added++
	round, i := g.added, 0
	return func([]byte) request {
		i++
		return registerRequest(fmt.Sprintf("new-%d-%d-%d@example.com", client, round, i))
	}
}
