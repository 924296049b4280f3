// Package redisurl reads where Redis is and how to log on there. One notation covers a single server, servers behind
// Sentinel, and a cluster:
//
//	redis://user:password@host:6379/0
//	redis+sentinel://user:password@host1:26379,host2:26379/master/0?sentinel_password=…
//	redis+cluster://user:password@host1:6379,host2:6379
//
// With rediss in the place of redis every connection is encrypted, those to sentinels too. It knows nothing of any client
// library, so that settings can be checked without one; internal/ratelimit/redislimit connects.
package redisurl
