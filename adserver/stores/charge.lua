-- Counts an event of a line item and charges for it, once, never beyond a budget.
-- KEYS: charge of the event, spent in total, spent on the day, events counted.
-- ARGV: line item, price (0: this kind is not billed), daily and total budget ('' for none),
--   seconds to keep the charge, and the day. Money in micros.
-- Answers what was charged, the same again when called again.
local line_item, price = ARGV[1], tonumber(ARGV[2])
local budgets = { tonumber(ARGV[4]), tonumber(ARGV[3]) } -- as KEYS[2], KEYS[3]

local function only(key, kind) -- what is not of our making makes way
  local found = redis.call('TYPE', key).ok
  if found ~= kind and found ~= 'none' then redis.call('DEL', key) end
end

only(KEYS[1], 'string')
local before = redis.call('GET', KEYS[1])
if before then return tonumber(before) or 0 end

local charge = price
for i = 2, 4 do only(KEYS[i], 'hash') end
for i = 1, 2 do
  local spent = tonumber(redis.call('HGET', KEYS[1 + i], line_item) or 0) or 0
  if budgets[i] then charge = math.min(charge, math.max(budgets[i] - spent, 0)) end
end
local text = string.format('%.0f', charge)
if charge > 0 then
  redis.call('HINCRBY', KEYS[2], line_item, text)
  redis.call('HINCRBY', KEYS[3], line_item, text)
  redis.call('EXPIRE', KEYS[3], ARGV[6])
end
redis.call('HINCRBY', KEYS[4], line_item, 1)
redis.call('SET', KEYS[1], text, 'EX', ARGV[5])
return charge
