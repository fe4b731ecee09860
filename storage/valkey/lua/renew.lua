-- Extends leases; returns the ids whose claim no longer stands.
--
-- Owns the keys described in requests.lua.
-- ARGV: lease (ms), then model, id and fence of each claim
-- include: requests
local lease = tonumber(ARGV[1])
local now = now_ms()
local stopped = {}
for i = 2, #ARGV, 3 do
  local model, id, fence = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  local known = redis.call('HMGET', request_key(id), 'state', 'fence')
  if known[1] == 'claimed' and known[2] == fence then
    redis.call('ZADD', leased_key(model), now + lease, id)
  else
    stopped[#stopped + 1] = id
  end
end
return stopped
