-- Whose request for a model is next: core/fairness.py, in the same whole numbers. A mailbox's waiting requests.
--
-- conclave:mail:<model>:waiting                  zset  ids by when they came, in microseconds
-- conclave:mail:<model>:waiting:<kind>           list  callers in the round, whose turn it is first
-- conclave:mail:<model>:waiting:<kind>:<caller>  list  ids, the next first
-- conclave:mail:<model>:round                    hash  now; largest, virtual of each kind; credit, turn of each caller;
--                                                      work: of all that waits
--
-- kind: 0 interactive, 1 batch. All live as long as the longest of the requests.
local INTERACTIVE_PARTS = 4

local function came_key(model) return MAIL .. model .. ':waiting' end
local function ring_key(model, kind) return came_key(model) .. ':' .. kind end
local function line_key(model, kind, caller) return ring_key(model, kind) .. ':' .. caller end
local function round_key(model) return MAIL .. model .. ':round' end

local function of_round(model, field) return tonumber(redis.call('HGET', round_key(model), field) or 0) end
local function credit_of(kind, caller) return 'credit ' .. kind .. ' ' .. caller end
local function turn_of(kind, caller) return 'turn ' .. kind .. ' ' .. caller end
local function pace(kind) return kind == '1' and INTERACTIVE_PARTS or 1 end

local function keep(model, kind, caller, ttl)
  for _, key in ipairs({came_key(model), ring_key(model, kind), line_key(model, kind, caller), round_key(model)}) do
    live_at_least(key, ttl)
  end
end

local function count_work(model, work)
  if redis.call('ZCARD', came_key(model)) == 0 then
    redis.call('HDEL', round_key(model), 'work')
  else
    redis.call('HINCRBY', round_key(model), 'work', work)
  end
end

-- For when a request's hash is gone, and with it how much work it was.
local function recount(model)
  local work = 0
  for _, id in ipairs(redis.call('ZRANGE', came_key(model), 0, -1)) do
    work = work + tonumber(redis.call('HGET', request_key(id), 'work') or 0)
  end
  redis.call('HSET', round_key(model), 'work', work)
  live_at_least(round_key(model), OVER_MS)
end

local function saw(model, kind, work)
  if work > of_round(model, 'largest ' .. kind) then redis.call('HSET', round_key(model), 'largest ' .. kind, work) end
end

-- Adds a request behind its caller's others.
local function enqueue(model, id, kind, caller, work, came, ttl)
  local line, ring, virtual = line_key(model, kind, caller), ring_key(model, kind), 'virtual ' .. kind
  if redis.call('LLEN', ring) == 0 then
    redis.call('HSET', round_key(model), virtual, math.max(of_round(model, virtual), of_round(model, 'now')))
  end
  if redis.call('RPUSH', line, id) == 1 then redis.call('RPUSH', ring, caller) end
  redis.call('ZADD', came_key(model), came, id)
  count_work(model, work)
  saw(model, kind, work)
  keep(model, kind, caller, ttl)
end

-- Undoes a take: the request is next again, and its caller has not used the credit.
local function put_back(model, id, kind, caller, work, came, ttl)
  local ring = ring_key(model, kind)
  redis.call('LREM', ring, 1, caller)
  redis.call('LPUSH', ring, caller)
  redis.call('LPUSH', line_key(model, kind, caller), id)
  redis.call('ZADD', came_key(model), came, id)
  redis.call('HSET', round_key(model), turn_of(kind, caller), 1)
  redis.call('HINCRBY', round_key(model), credit_of(kind, caller), work)
  redis.call('HINCRBY', round_key(model), 'virtual ' .. kind, -work * pace(kind))
  count_work(model, work)
  saw(model, kind, work)
  keep(model, kind, caller, ttl)
end

local function leave_if_done(model, kind, caller)
  if redis.call('LLEN', line_key(model, kind, caller)) == 0 then
    redis.call('LREM', ring_key(model, kind), 1, caller)
    redis.call('HDEL', round_key(model), credit_of(kind, caller), turn_of(kind, caller))
  end
end

-- Takes a request out that waits; it costs its caller nothing.
local function drop(model, id, kind, caller)
  redis.call('LREM', line_key(model, kind, caller), 1, id)
  if redis.call('ZREM', came_key(model), id) == 1 then
    local work = redis.call('HGET', request_key(id), 'work')
    if work then count_work(model, -tonumber(work)) else recount(model) end
  end
  leave_if_done(model, kind, caller)
end

local function kind_in_turn(model)
  local interactive = redis.call('LLEN', ring_key(model, '0')) > 0
  if redis.call('LLEN', ring_key(model, '1')) == 0 then return interactive and '0' or nil end
  if interactive and of_round(model, 'virtual 1') >= of_round(model, 'virtual 0') then return '0' end
  return '1'
end

-- Returns id, kind, caller and work of the next request, leaving it there; nothing when none waits.
local function peek(model)
  local kind = kind_in_turn(model)
  while kind do
    local round, ring = round_key(model), ring_key(model, kind)
    local caller = redis.call('LINDEX', ring, 0)
    local id = redis.call('LINDEX', line_key(model, kind, caller), 0)
    if not id then
      -- The line was forgotten with its requests; the ring lives on for those of others.
      leave_if_done(model, kind, caller)
      kind = kind_in_turn(model)
    else
      local work = tonumber(redis.call('HGET', request_key(id), 'work') or 0)
      local credit, turn = credit_of(kind, caller), turn_of(kind, caller)
      if redis.call('HSETNX', round, turn, 1) == 1 then
        redis.call('HINCRBY', round, credit, of_round(model, 'largest ' .. kind))
      end
      live_at_least(round, OVER_MS)
      if of_round(model, credit) >= work then return id, kind, caller, work end
      redis.call('HDEL', round, turn)
      redis.call('LMOVE', ring, ring, 'LEFT', 'RIGHT')
    end
  end
end

-- Takes what peek returned.
local function take(model, id, kind, caller, work)
  local round, virtual = round_key(model), 'virtual ' .. kind
  redis.call('LPOP', line_key(model, kind, caller))
  redis.call('ZREM', came_key(model), id)
  count_work(model, -work)
  redis.call('HINCRBY', round, credit_of(kind, caller), -work)
  redis.call('HSET', round, 'now', of_round(model, virtual))
  redis.call('HINCRBY', round, virtual, work * pace(kind))
  leave_if_done(model, kind, caller)
  live_at_least(round, OVER_MS)
end
