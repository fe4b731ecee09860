-- Appends frames to a result; returns 1, or 0 without writing when the claim no longer stands.
--
-- Owns the keys described in requests.lua.
-- ARGV: id, fence, whether the last frame ends the result (0|1), then number and text of each frame
-- include: requests
local id, fence = ARGV[1], ARGV[2]
local known = redis.call('HMGET', request_key(id), 'state', 'fence', 'model')
if known[1] ~= 'claimed' or known[2] ~= fence then return 0 end
local length = redis.call('LLEN', result_key(id))
for i = 4, #ARGV, 2 do
  local number = tonumber(ARGV[i])
  if number > length + 1 then return redis.error_reply('ERR frame ' .. number .. ' after ' .. length) end
  -- A frame that is there already was pushed by a call whose answer got lost.
  if number == length + 1 then
    redis.call('RPUSH', result_key(id), ARGV[i + 1])
    length = number
  end
end
if ARGV[3] == '1' then
  close(id, known[3], 'done')
else
  redis.call('PEXPIRE', result_key(id), redis.call('PTTL', request_key(id)))
end
nudge(id)
return 1
