-- Adds one impression to a user's exposures, once per event.
-- KEYS: exposures, impressions seen.
-- ARGV: event, line item, second, minute, hour, day, seconds to keep the exposures, and the marks.
-- The layout is told in packed_exposures.py, which reads it.
local event, line_item = ARGV[1], ARGV[2]
local second, minute, hour, day = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local exposures_kept, marks_kept = ARGV[7], tonumber(ARGV[8])
local LAYOUT, SIZE, MOST = '<I4i4I2I4I2I4I2I4', 26, 128

local function only(key, kind) -- what is not of our making makes way
  local found = redis.call('TYPE', key).ok
  if found ~= kind then redis.call('DEL', key) end
end

local function counted(window, count, now) -- the count of a window after an impression at `now`
  if now > window then return now, 1 end
  if now < window then return window, count end -- booked late: its window is over
  return window, math.min(count + 1, 65535)
end

only(KEYS[2], 'zset')
if redis.call('ZADD', KEYS[2], 'NX', second, event) == 0 then return 0 end
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', second - marks_kept)
redis.call('EXPIRE', KEYS[2], marks_kept)

only(KEYS[1], 'string')
local value = redis.call('GET', KEYS[1]) or '\0'
local count = string.byte(value, 1)
local records, names = {}, {}
for name in string.gmatch(string.sub(value, 2 + SIZE * count), '[^\n]+') do names[#names + 1] = name end
if #names ~= count then count, names = 0, {} end
local record = struct.pack(LAYOUT, 0, day, 0, hour, 0, minute, 0, 0)
for i = 1, count do
  local this = string.sub(value, 2 + SIZE * (i - 1), 1 + SIZE * i)
  if names[i] == line_item then record, names[i] = this, false else records[#records + 1] = this end
end

local lifetime, d, in_day, h, in_hour, m, in_minute, last = struct.unpack(LAYOUT, record)
d, in_day = counted(d, in_day, day)
h, in_hour = counted(h, in_hour, hour)
m, in_minute = counted(m, in_minute, minute)
record = struct.pack(LAYOUT, lifetime + 1, d, in_day, h, in_hour, m, in_minute, math.max(last, second))

table.insert(records, 1, record) -- the latest first, so that the one seen longest ago is let go
local kept = { line_item }
for i = 1, count do
  if names[i] then kept[#kept + 1] = names[i] end
end
records[MOST + 1], kept[MOST + 1] = nil, nil
redis.call('SET', KEYS[1], string.char(#kept) .. table.concat(records) .. table.concat(kept, '\n'), 'EX', exposures_kept)
return 1
