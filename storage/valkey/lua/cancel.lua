-- Takes a request out, or lets its host find out that it must stop.
--
-- Owns the keys described in requests.lua.
-- ARGV: id
-- include: requests
local id = ARGV[1]
local known = redis.call('HMGET', request_key(id), 'state', 'model')
if known[1] == 'waiting' then
  redis.call('LREM', waiting_key(known[2]), 1, id)
end
if known[1] == 'waiting' or known[1] == 'claimed' then
  close(id, known[2], 'cancelled')
  redis.call('DEL', result_key(id))
  nudge(id)
end
return redis.status_reply('OK')
