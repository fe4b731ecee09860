-- Returns {model, waiting, age of the head (ms)} for every mailbox with waiting requests.
--
-- Owns the keys described in requests.lua.
-- include: requests
local now = now_ms()
local backlog = {}
for _, model in ipairs(redis.call('ZRANGE', MAIL .. 'models', 0, -1)) do
  lapse_all(model, now)
  local came = oldest(model, now)
  if came then
    backlog[#backlog + 1] = {model, redis.call('ZCARD', came_key(model)), now - math.floor(came / 1000)}
  elseif redis.call('ZCARD', leased_key(model)) == 0 then
    redis.call('ZREM', MAIL .. 'models', model)
  end
end
return backlog
