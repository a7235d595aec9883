-- Whether an event of an offer counts; and if it is taken, that it does. The first claim wins.
-- KEYS: offer.
-- ARGV: 'look' or 'take'; the event (its kind, or conversion:id); line item; when it arrived;
--   the kind it must follow or ''; when it happened; how long after the other it may; how long
--   before it at most, for clocks that differ; claims older than this are settled (ms all);
--   seconds to keep the offer.
-- Answers 'free' (look), 'claimed' (take), or the name of a verdict.
-- Taking again answers 'claimed' again: book() may be completing what a crash interrupted.
local offer, mode, event, line_item, arrived, follows = KEYS[1], ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local happened, window, skew = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])
local settled, keep = tonumber(ARGV[9]), tonumber(ARGV[10])

local found = redis.call('TYPE', offer).ok
local known = found == 'hash' and redis.call('HMGET', offer, 'line_item', event, follows) or {}
local owner, claimed, other = known[1], tonumber(known[2] or nil), tonumber(known[3] or nil)

if owner and owner ~= line_item then return 'duplicate' end -- a retry that was shown another ad
if claimed and (mode == 'look' or claimed < settled) then return 'duplicate' end
if claimed then return 'claimed' end
if follows ~= '' then
  if not other or happened < other - skew then return 'no_' .. follows end
  if happened > other + window then return 'expired' end
end
if mode == 'look' then return 'free' end

if found ~= 'hash' then redis.call('DEL', offer) end -- not of our making
redis.call('HSET', offer, 'line_item', line_item, event, arrived)
if redis.call('TTL', offer) < keep then redis.call('EXPIRE', offer, keep) end
return 'claimed'
