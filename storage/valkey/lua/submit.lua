-- Queues a request; returns 1 when its mailbox was empty, 0 when not, -1 when it is full.
--
-- Owns the keys described in requests.lua.
-- ARGV: id, model, limit, body, caller, total (s), work, batch (0|1), channel to nudge
-- include: requests
local id, model, limit, total, work = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[6], tonumber(ARGV[7])
local came = string.format('%.0f', now_us())
local now = now_ms()
local waiting = came_key(model)
local length = redis.call('ZCARD', waiting)
if redis.call('EXISTS', request_key(id)) == 1 then
  return length == 1 and 1 or 0
end
if length >= limit then
  -- Callers that died never took their requests out.
  for _, other in ipairs(redis.call('ZRANGE', waiting, 0, -1)) do
    if redis.call('EXISTS', request_key(other)) == 0 then redis.call('ZREM', waiting, other) end
  end
  recount(model)
  length = redis.call('ZCARD', waiting)
  if length >= limit then return -1 end
end
local allowed = math.ceil(tonumber(total) * 1000)
local ttl = allowed + OVER_MS
redis.call('HSET', request_key(id), 'model', model, 'state', 'waiting', 'fence', 0, 'attempt', 0, 'queued', came,
  'deadline', now + allowed, 'body', ARGV[4], 'caller', ARGV[5], 'total', total, 'work', work, 'batch', ARGV[8],
  'nudge', ARGV[9])
redis.call('PEXPIRE', request_key(id), ttl)
if length == 0 then set_clock(model, math.max(of_turn(model, 'since'), tonumber(came))) end
enqueue(model, id, ARGV[8], ARGV[5], work, came, ttl)
redis.call('ZADD', MAIL .. 'models', now, model)
redis.call('PEXPIRE', MAIL .. 'models', DAY_MS)
return length == 0 and 1 or 0
