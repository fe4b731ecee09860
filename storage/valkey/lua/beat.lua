-- Says that a host is alive, forgets those that stopped saying so, and hands the host its orders, each once.
--
-- conclave:hosts              zset   ids by the end of their life; as long as the longest of them
-- conclave:host:<id>          string what the host says of itself, as JSON; its ttl
-- conclave:host:<id>:orders   list   orders it has not taken, as JSON, oldest first; order.lua fills it
-- ARGV: id, JSON, ttl (ms); a ttl of 0 says that the host is gone, and drops its orders
local id, ttl = ARGV[1], tonumber(ARGV[3])
local host = 'conclave:host:' .. id
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local orders = redis.call('LRANGE', host .. ':orders', 0, -1)
redis.call('DEL', host .. ':orders')
redis.call('ZREMRANGEBYSCORE', 'conclave:hosts', '-inf', now)
if ttl <= 0 then
  redis.call('ZREM', 'conclave:hosts', id)
  redis.call('DEL', host)
  return {}
end
redis.call('SET', host, ARGV[2], 'PX', ttl)
redis.call('ZADD', 'conclave:hosts', now + ttl, id)
if redis.call('PTTL', 'conclave:hosts') < ttl then redis.call('PEXPIRE', 'conclave:hosts', ttl) end
return orders
