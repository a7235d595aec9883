-- Whether a click of this user, or from this address, is one too many; and if taken, notes it.
-- KEYS: the latest counted clicks. ARGV: 'look' or 'take', event, when (ms), seconds to keep, how
-- many to keep, then pairs: so many clicks are allowed in so many ms before `when`.
-- Answers 1 or 0. A click that was admitted is admitted again.
local clicks, mode, event, at = KEYS[1], ARGV[1], ARGV[2], tonumber(ARGV[3])
local found = redis.call('TYPE', clicks).ok
if found == 'zset' then
  if redis.call('ZSCORE', clicks, event) then return 1 end
  for i = 6, #ARGV, 2 do
    local since = string.format('(%.0f', at - tonumber(ARGV[i + 1]))
    if redis.call('ZCOUNT', clicks, since, at) >= tonumber(ARGV[i]) then return 0 end
  end
end
if mode == 'look' then return 1 end
if found ~= 'zset' then redis.call('DEL', clicks) end -- not of our making
redis.call('ZADD', clicks, at, event)
redis.call('ZREMRANGEBYRANK', clicks, 0, -1 - tonumber(ARGV[5]))
redis.call('EXPIRE', clicks, ARGV[4])
return 1
