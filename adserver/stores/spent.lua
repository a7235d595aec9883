-- Micros that line items spent on a day and in total, as numbers with blanks between.
-- One string, because the client spends 3 us on each element of an answer.
-- KEYS: spent on the day, spent in total. ARGV: line items. Reads only.
local numbers = {}
for i = 1, 2 do
  local hash = redis.call('TYPE', KEYS[i]).ok == 'hash'
  local spent = hash and redis.call('HMGET', KEYS[i], unpack(ARGV)) or {}
  for j = 1, #ARGV do numbers[#numbers + 1] = spent[j] or '0' end
end
return table.concat(numbers, ' ')
