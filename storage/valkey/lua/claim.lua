-- Leases waiting requests to the host of a grant; returns whether its turn is over (0|1), then
-- {id, fence, attempt, body, caller, total, work, batch, waited (ms)} for each.
--
-- Owns the keys described in requests.lua, fair.lua and turns.lua. The rules are those of core/scheduling.py.
-- ARGV: model, host, fence, how many, lease (ms), policy, quantum (-1: not known), then the host's models
-- include: requests
local model, host, count, lease = ARGV[1], ARGV[2], tonumber(ARGV[4]), tonumber(ARGV[5])
local policy, quantum = ARGV[6], tonumber(ARGV[7])
local now = now_ms()
local mine = {}
for i = 8, #ARGV do mine[ARGV[i]] = true end

-- When the oldest request came of those other models that wait for a host like this one; nothing when none does.
local function rival()
  local first = nil
  for _, other in ipairs(redis.call('ZRANGE', MAIL .. 'models', 0, -1)) do
    if other ~= model and mine[other] and not granted(other) then
      local came = oldest(other, now)
      if came and policy ~= 'fifo' then return came end
      if came and (not first or came < first) then first = came end
    end
  end
  return first
end

local function goes_on(claimed, work, id)
  if policy == 'collate' or claimed == 0 then return true end
  if policy == 'turns' and (quantum < 0 or claimed + work <= quantum) then return true end
  local other = rival()
  if not other then return true end
  return policy == 'fifo' and tonumber(redis.call('ZSCORE', came_key(model), id)) <= other
end

lapse_all(model, now)
if not stands(model, host, ARGV[3]) then return {1} end
local answer = {0}
local claimed = of_turn(model, 'claimed ' .. host)
while #answer <= count do
  local id, kind, caller, work = head(model, now)
  if not id then break end
  if not goes_on(claimed, work, id) then
    answer[1] = 1
    break
  end
  take(model, id, kind, caller, work)
  claimed = redis.call('HINCRBY', turn_key(model), 'claimed ' .. host, work)
  local key = request_key(id)
  local fence = redis.call('HINCRBY', key, 'fence', 1)
  local attempt = redis.call('HINCRBY', key, 'attempt', 1)
  redis.call('HSET', key, 'state', 'claimed')
  redis.call('ZADD', leased_key(model), now + lease, id)
  local request = redis.call('HMGET', key, 'body', 'caller', 'total', 'work', 'batch', 'queued')
  answer[#answer + 1] = {id, fence, attempt, request[1], request[2], request[3], request[4], request[5],
    math.max(0, now - math.floor(tonumber(request[6]) / 1000))}
  live_at_least(leased_key(model), redis.call('PTTL', key))
end
return answer
