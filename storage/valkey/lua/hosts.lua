-- Returns what every living host says of itself, by id.
--
-- Reads the keys that beat.lua owns.
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local alive = {}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', 'conclave:hosts', '(' .. now, '+inf')) do
  local state = redis.call('GET', 'conclave:host:' .. id)
  if state then alive[#alive + 1] = {id, state} end
end
table.sort(alive, function(one, other) return one[1] < other[1] end)
local states = {}
for i, entry in ipairs(alive) do states[i] = entry[2] end
return states
