-- Leaves an order for a living host, to be forgotten with the host when no beat comes to take it.
--
-- conclave:hosts              zset   owned by beat.lua; only read
-- conclave:host:<id>:orders   list   the order is appended; for as long as the host lives without a further beat
-- ARGV: id, JSON, most orders
-- Returns 1, 0 when that many orders wait already, or -1 when the host is not alive.
local id = ARGV[1]
local orders = 'conclave:host:' .. id .. ':orders'
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local life_end = tonumber(redis.call('ZSCORE', 'conclave:hosts', id) or 0)
if life_end <= now then return -1 end
if redis.call('LLEN', orders) >= tonumber(ARGV[3]) then return 0 end
redis.call('RPUSH', orders, ARGV[2])
redis.call('PEXPIRE', orders, life_end - now)
return 1
