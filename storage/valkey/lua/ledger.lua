-- Spends escrow: a batch of operations on accounts, in order, each answered by a line of words.
--
-- conclave:ledger:account:<name>  hash  life id version concurrency frozen amounts; a month without use
--     life: the run_id of the server that wrote it. Another one means that this server started anew and may have lost
--       its last second: the account is then as good as absent, and what it had is for PostgreSQL to count as spent.
--     id: the escrow in PostgreSQL this account spends. version, concurrency: of the account there; 0 is none yet.
--     frozen: 1 while the account is overdrawn there: what is free belongs to PostgreSQL.
--     amounts: drawn, returned, spent, held, each in micros, tokens, calls. All but held only grow.
-- conclave:ledger:holds:<name>    zset  holds by expiry (ms); a hold names its ceiling: v.<token>.<micros>.<tokens>.<calls>
-- conclave:ledger:active          zset  accounts by when they were last used (ms); a month
--
-- ARGV: a token never used before, the number of accounts, their names, then operations; # is an account's number:
--   r # hold ttl             reserve             -> ok | busy <concurrency> | lack <escrow> <free x 3> <frozen>
--   s # hold <actual x 3>    settle              -> ok
--   x # hold                 release             -> ok
--   d # escrow <drawn x 3> version concurrency frozen   what was drawn in all  -> ok
--   c # version concurrency frozen   configure   -> ok
--   e # idle                 expire holds; give back what is free if unused for idle ms (0: in any case)
--                                                -> <escrow> <returned x 3> <spent x 3> <held x 3> <holds> <expired>
--   f # escrow <returned x 3> <spent x 3> idle   forget when unused for idle ms and nothing but this is there -> ok
--   z # escrow              forget in any case: PostgreSQL closed this escrow -> ok
local LEDGER = 'conclave:ledger:'
local MONTH_MS = 2592000000
local DRAWN, RETURNED, SPENT, HELD = 0, 3, 6, 9

local token, names = ARGV[1], tonumber(ARGV[2])
local life = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local accounts = {}

local function whole(number) return string.format('%.0f', number) end

local function ceiling(hold)
  local micros, tokens, calls = string.match(hold, '^v%.%w+%.(%d+)%.(%d+)%.(%d+)$')
  return {tonumber(micros), tonumber(tokens), tonumber(calls)}
end

local function free(account, resource)
  local a = account.amounts
  return a[DRAWN + resource] - a[RETURNED + resource] - a[SPENT + resource] - a[HELD + resource]
end

-- Takes a hold out; returns its ceiling, or nothing when it was not there.
local function drop(account, hold)
  if redis.call('ZREM', account.holds_key, hold) == 0 then return nil end
  local held = ceiling(hold)
  for r = 1, 3 do account.amounts[HELD + r] = account.amounts[HELD + r] - held[r] end
  account.holds = account.holds - 1
  account.dirty = true
  return held
end

local function open(number)
  local name = ARGV[2 + number]
  local account = {name = name, key = LEDGER .. 'account:' .. name, holds_key = LEDGER .. 'holds:' .. name}
  local stored = redis.call('HMGET', account.key, 'life', 'id', 'version', 'concurrency', 'frozen', 'amounts')
  account.amounts, account.expired = {}, 0
  if stored[1] == life then
    account.id, account.version, account.concurrency = stored[2], tonumber(stored[3]), tonumber(stored[4])
    account.frozen = stored[5]
    for amount in string.gmatch(stored[6], '%d+') do account.amounts[#account.amounts + 1] = tonumber(amount) end
    account.holds = redis.call('ZCARD', account.holds_key)
    for _, hold in ipairs(redis.call('ZRANGEBYSCORE', account.holds_key, '-inf', now)) do
      drop(account, hold)
      account.expired = account.expired + 1
    end
  else
    redis.call('DEL', account.key, account.holds_key)
    account.id, account.version, account.concurrency, account.holds = token .. number, 0, 0, 0
    account.frozen = '0'
    for i = 1, 12 do account.amounts[i] = 0 end
  end
  accounts[number] = account
  return account
end

local function save(account)
  local amounts = {}
  for i = 1, 12 do amounts[i] = whole(account.amounts[i]) end
  redis.call('HSET', account.key, 'life', life, 'id', account.id, 'version', whole(account.version),
    'concurrency', whole(account.concurrency), 'frozen', account.frozen, 'amounts', table.concat(amounts, ' '))
  redis.call('PEXPIRE', account.key, MONTH_MS)
  redis.call('PEXPIRE', account.holds_key, MONTH_MS)
  if account.used then
    redis.call('ZADD', LEDGER .. 'active', now, account.name)
    redis.call('PEXPIRE', LEDGER .. 'active', MONTH_MS)
  end
end

local operations = {}

function operations.r(account, words)
  account.dirty, account.used = true, true
  local need, lacking = ceiling(words[3]), account.version == 0 or account.frozen == '1'
  for r = 1, 3 do lacking = lacking or free(account, r) < need[r] end
  if account.version > 0 and account.concurrency > 0 and account.holds >= account.concurrency then
    return 'busy ' .. whole(account.concurrency)
  end
  if lacking then
    return 'lack ' .. account.id .. ' ' .. whole(free(account, 1)) .. ' ' .. whole(free(account, 2)) .. ' '
      .. whole(free(account, 3)) .. ' ' .. account.frozen
  end
  redis.call('ZADD', account.holds_key, now + tonumber(words[4]), words[3])
  for r = 1, 3 do account.amounts[HELD + r] = account.amounts[HELD + r] + need[r] end
  account.holds = account.holds + 1
  return 'ok'
end

function operations.s(account, words)
  local held = drop(account, words[3])
  if held then
    account.used = true
    for r = 1, 3 do
      account.amounts[SPENT + r] = account.amounts[SPENT + r] + math.min(held[r], tonumber(words[3 + r]))
    end
  end
  return 'ok'
end

function operations.x(account, words)
  drop(account, words[3])
  return 'ok'
end

function operations.c(account, words)
  local version = tonumber(words[3])
  if account.version > 0 and version > account.version then
    account.version, account.concurrency, account.frozen, account.dirty = version, tonumber(words[4]), words[5], true
  end
  return 'ok'
end

function operations.d(account, words)
  if words[3] ~= account.id then return 'ok' end
  for r = 1, 3 do account.amounts[DRAWN + r] = math.max(account.amounts[DRAWN + r], tonumber(words[3 + r])) end
  -- Without a new version an account only thaws, so that an old telling can at worst freeze it until the next draw.
  if tonumber(words[7]) >= account.version then
    account.version, account.concurrency, account.frozen = tonumber(words[7]), tonumber(words[8]), words[9]
  end
  account.dirty, account.used = true, true
  return 'ok'
end

local function idle(account, ms)
  local used = tonumber(redis.call('ZSCORE', LEDGER .. 'active', account.name) or 0)
  return not account.used and now - used >= tonumber(ms)
end

function operations.e(account, words)
  if words[3] == '0' or idle(account, words[3]) then
    for r = 1, 3 do
      local unused = free(account, r)
      if unused > 0 then
        account.amounts[RETURNED + r] = account.amounts[RETURNED + r] + unused
        account.dirty = true
      end
    end
  end
  local answer = {account.id}
  for i = RETURNED + 1, HELD + 3 do answer[#answer + 1] = whole(account.amounts[i]) end
  answer[#answer + 1] = whole(account.holds)
  answer[#answer + 1] = whole(account.expired)
  return table.concat(answer, ' ')
end

function operations.f(account, words)
  local bare = account.id == words[3] and account.holds == 0 and idle(account, words[10])
  for r = 1, 3 do bare = bare and free(account, r) == 0 end
  for i = 1, 6 do bare = bare and account.amounts[RETURNED + i] == tonumber(words[3 + i]) end
  if bare then
    redis.call('DEL', account.key, account.holds_key)
    redis.call('ZREM', LEDGER .. 'active', account.name)
    account.dirty = false
  end
  return 'ok'
end

function operations.z(account, words)
  if account.id == words[3] then
    redis.call('DEL', account.key, account.holds_key)
    accounts[tonumber(words[2])] = nil
  end
  return 'ok'
end

local answers = {}
for i = 3 + names, #ARGV do
  local words = {}
  for word in string.gmatch(ARGV[i], '%S+') do words[#words + 1] = word end
  local number = tonumber(words[2])
  answers[#answers + 1] = operations[words[1]](accounts[number] or open(number), words)
end
for _, account in pairs(accounts) do
  if account.dirty then save(account) end
end
return table.concat(answers, '\n')
