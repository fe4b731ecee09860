-- Says that a host is alive, and forgets those that stopped saying so.
--
-- conclave:hosts       zset   ids by the end of their life; as long as the longest of them
-- conclave:host:<id>   string what the host says of itself, as JSON; its ttl
-- ARGV: id, JSON, ttl (ms); a ttl of 0 says that the host is gone
local id, ttl = ARGV[1], tonumber(ARGV[3])
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
redis.call('ZREMRANGEBYSCORE', 'conclave:hosts', '-inf', now)
if ttl <= 0 then
  redis.call('ZREM', 'conclave:hosts', id)
  redis.call('DEL', 'conclave:host:' .. id)
else
  redis.call('SET', 'conclave:host:' .. id, ARGV[2], 'PX', ttl)
  redis.call('ZADD', 'conclave:hosts', now + ttl, id)
  if redis.call('PTTL', 'conclave:hosts') < ttl then redis.call('PEXPIRE', 'conclave:hosts', ttl) end
end
return redis.status_reply('OK')
