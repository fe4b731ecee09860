-- What the mailbox scripts share. Times are the server's, in milliseconds; `queued` in microseconds, to tell apart.
--
-- conclave:mail:<model>:leased   zset   ids of claimed requests by the end of their lease; as long as the longest
-- conclave:mail:models           zset   models with a mailbox by when they were last used; a day
-- conclave:mail:request:<id>     hash   model state fence attempt queued deadline body caller total work batch nudge;
--                                       its allowed time and a little more, less once it is over
-- conclave:mail:result:<id>      list   frames in order, each "<kind>:<data>"; as long as its request
--
-- state: waiting -> claimed -> done, or lost, or cancelled; a lapse or a hand-back leads from claimed to waiting.
local MAIL = 'conclave:mail:'
local OVER_MS = 120000
local ATTEMPTS = 3

local function now_us()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000000 + tonumber(time[2])
end

local function now_ms() return math.floor(now_us() / 1000) end

local function request_key(id) return MAIL .. 'request:' .. id end
local function result_key(id) return MAIL .. 'result:' .. id end
local function leased_key(model) return MAIL .. model .. ':leased' end

local function live_at_least(key, ttl_ms)
  if redis.call('PTTL', key) < ttl_ms then redis.call('PEXPIRE', key, ttl_ms) end
end

-- include: fair
-- include: turns
local function nudge(id)
  local channel = redis.call('HGET', request_key(id), 'nudge')
  if channel and channel ~= '' then redis.call('PUBLISH', channel, id) end
end

-- The request leaves its mailbox for good; its result can be read for a while.
local function close(id, model, state)
  redis.call('HSET', request_key(id), 'state', state)
  redis.call('HDEL', request_key(id), 'body')
  redis.call('ZREM', leased_key(model), id)
  redis.call('PEXPIRE', request_key(id), OVER_MS)
  redis.call('PEXPIRE', result_key(id), OVER_MS)
end

local function fail(id, model, code, message, retryable)
  local frame = cjson.encode({code = code, message = message, retryable = retryable})
  redis.call('RPUSH', result_key(id), 'error:' .. frame)
  close(id, model, 'lost')
  nudge(id)
end

local function back_to_head(id, model)
  local key = request_key(id)
  local known = redis.call('HMGET', key, 'batch', 'caller', 'work', 'queued')
  redis.call('HSET', key, 'state', 'waiting')
  redis.call('ZREM', leased_key(model), id)
  put_back(model, id, known[1], known[2], tonumber(known[3]), known[4], redis.call('PTTL', key))
end

-- The lease of a claimed request ran out: try again if nothing was shown, and not for ever.
local function lapse(id, model)
  local known = redis.call('HMGET', request_key(id), 'state', 'attempt')
  if known[1] ~= 'claimed' then
    redis.call('ZREM', leased_key(model), id)
  elseif redis.call('LLEN', result_key(id)) > 0 then
    fail(id, model, 'host_lost', 'the host died with the answer unfinished; ask again', true)
  elseif tonumber(known[2]) >= ATTEMPTS then
    fail(id, model, 'poison', 'every host that tried this request died; it is not tried again', false)
  else
    back_to_head(id, model)
  end
end

-- All that lapsed, the youngest request first, so that the oldest ends at the head.
local function lapse_all(model, now)
  lapse_grants(model, now)
  local ids = redis.call('ZRANGEBYSCORE', leased_key(model), '-inf', now)
  local queued = {}
  for _, id in ipairs(ids) do queued[id] = tonumber(redis.call('HGET', request_key(id), 'queued') or 0) end
  table.sort(ids, function(one, other) return queued[one] > queued[other] end)
  for _, id in ipairs(ids) do lapse(id, model) end
end

-- Whether somebody still waits for the request; it is closed when nobody has since its deadline passed.
local function wanted(id, model, now)
  local known = redis.call('HMGET', request_key(id), 'state', 'deadline')
  if known[1] == 'waiting' and tonumber(known[2]) > now then return true end
  if known[1] == 'waiting' then close(id, model, 'lost') end
  return false
end

-- The next request somebody still wants, as peek returns it; the others before it are dropped.
local function head(model, now)
  while true do
    local id, kind, caller, work = peek(model)
    if not id or wanted(id, model, now) then return id, kind, caller, work end
    drop(model, id, kind, caller)
  end
end

-- When the oldest request came that somebody still wants, or nothing; the others before it are dropped.
local function oldest(model, now)
  while true do
    local id, came = unpack(redis.call('ZRANGE', came_key(model), 0, 0, 'WITHSCORES'))
    if not id then return nil end
    local known = redis.call('HMGET', request_key(id), 'batch', 'caller')
    if wanted(id, model, now) then return tonumber(came) end
    if known[1] then
      drop(model, id, known[1], known[2])
    else
      -- Without its hash nothing says in whose line it stands: there it is dropped when its turn comes.
      redis.call('ZREM', came_key(model), id)
      recount(model)
    end
  end
end
