-- Ends a turn: the model's turn clock is set to now. A grant that stands no more is let be.
--
-- Owns the keys described in turns.lua.
-- ARGV: model, host, fence
-- include: requests
local model, host = ARGV[1], ARGV[2]
if stands(model, host, ARGV[3]) then
  take_away(model, host)
  set_clock(model, now_us())
end
return redis.status_reply('OK')
