-- Returns claimed requests without frames to the head of their mailbox, as if they had not been tried.
--
-- Owns the keys described in requests.lua.
-- ARGV: model, id and fence of each claim, the oldest first
-- include: requests
for i = #ARGV - 2, 1, -3 do
  local model, id, fence = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  local known = redis.call('HMGET', request_key(id), 'state', 'fence')
  if known[1] == 'claimed' and known[2] == fence and redis.call('LLEN', result_key(id)) == 0 then
    redis.call('HINCRBY', request_key(id), 'attempt', -1)
    back_to_head(id, model)
  end
end
return redis.status_reply('OK')
