-- Leases up to a number of waiting requests; returns {id, fence, attempt, body, caller, total, work, batch} for each.
--
-- Owns the keys described in requests.lua.
-- ARGV: model, how many, lease (ms)
-- include: requests
local model, count, lease = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local now = now_ms()
lapse_all(model, now)
local claims = {}
while #claims < count do
  local id, kind, caller, work = head(model, now)
  if not id then break end
  take(model, id, kind, caller, work)
  local key = request_key(id)
  local fence = redis.call('HINCRBY', key, 'fence', 1)
  local attempt = redis.call('HINCRBY', key, 'attempt', 1)
  redis.call('HSET', key, 'state', 'claimed')
  redis.call('ZADD', leased_key(model), now + lease, id)
  local request = redis.call('HMGET', key, 'body', 'caller', 'total', 'work', 'batch')
  claims[#claims + 1] = {id, fence, attempt, request[1], request[2], request[3], request[4], request[5]}
  live_at_least(leased_key(model), redis.call('PTTL', key))
end
return claims
