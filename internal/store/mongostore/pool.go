package mongostore

import (
	"sync/atomic"

	"go.mongodb.org/mongo-driver/v2/event"

	"github.com/a64core/hub"
)

// poolCount follows the driver's pools, of which there is one for each server.
type poolCount struct{ pools, open, inUse atomic.Int64 }

// note counts one event of a pool.
func (p *poolCount) note(e *event.PoolEvent) {
	switch e.Type {
	case event.ConnectionPoolCreated:
		p.pools.Add(1)
	case event.ConnectionPoolClosed:
		p.pools.Add(-1)
	case event.ConnectionCreated:
		p.open.Add(1)
	case event.ConnectionClosed:
		p.open.Add(-1)
	case event.ConnectionCheckedOut:
		p.inUse.Add(1)
	case event.ConnectionCheckedIn:
		p.inUse.Add(-1)
	}
}

// Pool implements hub.Database.
func (s *Store) Pool() hub.Pool {
	open, inUse := s.pool.open.Load(), s.pool.inUse.Load()
	return hub.Pool{Engine: engine, InUse: int(inUse), Idle: int(max(open-inUse, 0)), Max: int(s.pool.pools.Load()) * maxPoolSize}
}
