-- Raises what a line item has spent to what the event log says, and never lowers it.
-- KEYS: spent on the day, spent in total. ARGV: line item, both sums in micros, seconds to keep the day.
for i = 1, 2 do
  local found = redis.call('TYPE', KEYS[i]).ok
  if found ~= 'hash' and found ~= 'none' then redis.call('DEL', KEYS[i]) end
  local spent = tonumber(redis.call('HGET', KEYS[i], ARGV[1]) or 0) or 0
  if tonumber(ARGV[1 + i]) > spent then redis.call('HSET', KEYS[i], ARGV[1], ARGV[1 + i]) end
end
redis.call('EXPIRE', KEYS[1], ARGV[4])
return 1
