-- Takes a request out, or lets its host find out that it must stop.
--
-- Owns the keys described in requests.lua.
-- ARGV: id
-- include: requests
local id = ARGV[1]
local known = redis.call('HMGET', request_key(id), 'state', 'model', 'batch', 'caller')
if known[1] == 'waiting' then drop(known[2], id, known[3], known[4]) end
if known[1] == 'waiting' or known[1] == 'claimed' then
  close(id, known[2], 'cancelled')
  redis.call('DEL', result_key(id))
  nudge(id)
end
return redis.status_reply('OK')
