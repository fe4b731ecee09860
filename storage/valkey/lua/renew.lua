-- Extends a grant and its leases; returns whether the grant stands (0|1), then the ids whose claim does not.
--
-- Owns the keys described in requests.lua and turns.lua.
-- ARGV: model, host, fence of the grant, lease (ms), then id and fence of each claim
-- include: requests
local model, host = ARGV[1], ARGV[2]
local now = now_ms()
local lease_end = now + tonumber(ARGV[4])
lapse_grants(model, now)
local answer = {0}
if stands(model, host, ARGV[3]) then
  answer[1] = 1
  redis.call('ZADD', grants_key(model), lease_end, host)
end
for i = 5, #ARGV, 2 do
  local id, fence = ARGV[i], ARGV[i + 1]
  local known = redis.call('HMGET', request_key(id), 'state', 'fence')
  if known[1] == 'claimed' and known[2] == fence then
    redis.call('ZADD', leased_key(model), lease_end, id)
  else
    answer[#answer + 1] = id
  end
end
return answer
