-- Returns the version, then {model, waiting, age of the head (ms), age of the turn clock (ms), work, hosts that serve
-- it ...} for every mailbox with waiting requests.
--
-- Owns the keys described in requests.lua, fair.lua and turns.lua.
-- include: requests
local now = now_ms()
local answer = {''}
for _, model in ipairs(redis.call('ZRANGE', MAIL .. 'models', 0, -1)) do
  lapse_all(model, now)
  local came = oldest(model, now)
  if came then
    answer[#answer + 1] = {model, redis.call('ZCARD', came_key(model)), now - math.floor(came / 1000),
      math.max(0, now - math.floor(of_turn(model, 'since') / 1000)), of_round(model, 'work'),
      unpack(redis.call('ZRANGE', grants_key(model), 0, -1))}
  elseif redis.call('ZCARD', leased_key(model)) == 0 and not granted(model) then
    redis.call('ZREM', MAIL .. 'models', model)
  end
end
answer[1] = redis.call('GET', VERSION) or '0'
return answer
