-- Gives a host a turn for a model; returns its fence, or 0 when the version has moved on.
--
-- Owns the keys described in turns.lua.
-- ARGV: model, host, version, lease (ms)
-- include: requests
local model, host = ARGV[1], ARGV[2]
if (redis.call('GET', VERSION) or '0') ~= ARGV[3] then return 0 end
return give(model, host, now_ms() + tonumber(ARGV[4]))
