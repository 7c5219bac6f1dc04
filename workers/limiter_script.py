"""A limiter's steps as Redis takes them, each at once and by its own clock; `LocalLimiter` does the same."""

from typing import Final

# KEYS: calls made; places promised; refused until; calls made today; calls a minute that a reply named.
# Times are seconds since 1970.
_NOW: Final = """
local now = tonumber(ARGV[1])
if not now then
    local time = redis.call('TIME')
    now = time[1] + time[2] / 1000000
end
local kept = tonumber(ARGV[2])
"""

# ARGV: a time in place of Redis's; seconds to keep what is noted; the plan's calls a minute, burst and calls
# a day, each 0 for none; the most calls remembered; the margin of a span; the interval without a known limit.
TAKE: Final = (
    _NOW
    + """
local per_minute, burst, per_day = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local most, margin, interval = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])

local named = tonumber(redis.call('GET', KEYS[5]) or 0)
if named > 0 and (per_minute == 0 or named < per_minute) then per_minute = named end
local counts = {}
if per_minute > 0 then
    interval = 60 / per_minute * (1 + margin)
    counts[1] = math.min(per_minute, most)
    if burst > 0 then counts[2] = math.min(per_minute, burst) end
end

local promised = redis.call('LLEN', KEYS[2])
while promised > 0 and tonumber(redis.call('LINDEX', KEYS[2], 0)) <= now do
    redis.call('LPOP', KEYS[2])
    promised = promised - 1
end
local made = redis.call('LLEN', KEYS[1])
while made > 0 and tonumber(redis.call('LINDEX', KEYS[1], -1)) > now + 1 do  -- the clock was set back
    redis.call('RPOP', KEYS[1])
    made = made - 1
end
local day, today = math.floor(now / 86400), 0
local counted = redis.call('HMGET', KEYS[4], 'day', 'calls')
if tonumber(counted[1] or -1) == day then today = tonumber(counted[2]) end
local held_until = tonumber(redis.call('GET', KEYS[3]) or 0)

local function opens(ahead)
    local at = math.max(held_until, now)
    for _, calls in ipairs(counts) do
        if calls > ahead and made >= calls - ahead then
            at = math.max(at, tonumber(redis.call('LINDEX', KEYS[1], ahead - calls)) + calls * interval)
        end
    end
    if per_day > 0 and today + ahead >= per_day then
        at = math.max(at, (day + math.floor((today + ahead) / per_day)) * 86400)
    end
    return at
end

local function note(key, at)
    redis.call('RPUSH', key, string.format('%.6f', at))
    redis.call('LTRIM', key, -most, -1)
    redis.call('EXPIRE', key, kept)
end

if opens(0) <= now then
    note(KEYS[1], now)
    redis.call('HSET', KEYS[4], 'day', day, 'calls', today + 1)
    redis.call('EXPIRE', KEYS[4], kept)
    return 0
end
local place = opens(promised)
if promised > 0 then
    place = math.max(place, tonumber(redis.call('LINDEX', KEYS[2], -1)) + interval)
end
note(KEYS[2], place)
return math.ceil((place - now) * 1000)
"""
)

# ARGV: a time in place of Redis's; seconds to keep what is noted; how long the API refuses calls, or nothing;
# the calls a minute that it named, or nothing.
HEED: Final = (
    _NOW
    + """
if ARGV[3] ~= '' then
    local refused_until = math.max(now + tonumber(ARGV[3]), tonumber(redis.call('GET', KEYS[3]) or 0))
    redis.call('SET', KEYS[3], string.format('%.6f', refused_until), 'EX', kept)
end
if ARGV[4] ~= '' then redis.call('SET', KEYS[5], ARGV[4], 'EX', kept) end
return 1
"""
)
