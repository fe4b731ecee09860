-- Whose turn it is: grants that stand, and the turn clocks of models.
--
-- conclave:mail:<model>:grants  zset    hosts that serve the model by the end of their lease, in milliseconds
-- conclave:mail:<model>:turn    hash    since: the turn clock, in microseconds; the newest fence; fence and claimed work
--                                       of each host's turn
-- conclave:mail:version         string  grants given, ended and lapsed so far
--
-- All live for a day after their last use.
local DAY_MS = 86400000
local VERSION = MAIL .. 'version'

local function grants_key(model) return MAIL .. model .. ':grants' end
local function turn_key(model) return MAIL .. model .. ':turn' end
local function of_turn(model, field) return tonumber(redis.call('HGET', turn_key(model), field) or 0) end
local function granted(model) return redis.call('ZCARD', grants_key(model)) > 0 end

local function set_clock(model, us)
  redis.call('HSET', turn_key(model), 'since', string.format('%.0f', us))
  redis.call('PEXPIRE', turn_key(model), DAY_MS)
end

local function moved_on()
  redis.call('INCR', VERSION)
  redis.call('PEXPIRE', VERSION, DAY_MS)
end

local function give(model, host, lease_end)
  local fence = redis.call('HINCRBY', turn_key(model), 'fence', 1)
  redis.call('HSET', turn_key(model), 'fence ' .. host, fence, 'claimed ' .. host, 0)
  redis.call('ZADD', grants_key(model), lease_end, host)
  redis.call('PEXPIRE', turn_key(model), DAY_MS)
  redis.call('PEXPIRE', grants_key(model), DAY_MS)
  moved_on()
  return fence
end

local function take_away(model, host)
  redis.call('ZREM', grants_key(model), host)
  redis.call('HDEL', turn_key(model), 'fence ' .. host, 'claimed ' .. host)
  moved_on()
end

local function stands(model, host, fence)
  return redis.call('HGET', turn_key(model), 'fence ' .. host) == fence
end

-- A host that stopped renewing has lost its turn; the turn clock stays, as the turn did not end.
local function lapse_grants(model, now)
  for _, host in ipairs(redis.call('ZRANGEBYSCORE', grants_key(model), '-inf', now)) do take_away(model, host) end
end
