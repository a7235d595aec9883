-- The values of all keys as one string: their sizes (four bytes each), then the values.
-- One string, because the client spends 3 us on each element of an answer.
-- A key that is missing, or of another type, has size 0. Reads only.
local values = redis.call('MGET', unpack(KEYS))
local sizes = {}
for i = 1, #KEYS do
  values[i] = values[i] or ''
  sizes[i] = struct.pack('<I4', #values[i])
end
return table.concat(sizes) .. table.concat(values)
