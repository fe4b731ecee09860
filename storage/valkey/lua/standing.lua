-- Returns the state of a request, after dealing with a lease that ran out; nothing for an unknown one.
--
-- Owns the keys described in requests.lua.
-- ARGV: id
-- include: requests
local id = ARGV[1]
local known = redis.call('HMGET', request_key(id), 'state', 'model')
if known[1] ~= 'claimed' then return known[1] end
local lease_end = redis.call('ZSCORE', leased_key(known[2]), id)
if not lease_end or tonumber(lease_end) <= now_ms() then lapse(id, known[2]) end
return redis.call('HGET', request_key(id), 'state')
