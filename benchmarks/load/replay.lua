-- Has wrk, with one thread, send the requests of a file in order. Arguments: the file's path, requests a second
-- (0: as fast as answers come), and "once", or "again" to begin anew where the file ends.
local ffi = require("ffi")
ffi.cdef[[
struct bench_time { long seconds; long nanoseconds; };
int clock_gettime(int clock, struct bench_time *now);
int open(const char *path, int flags);
long lseek(int file, long offset, int whence);
void *mmap(void *address, size_t length, int protection, int flags, int file, long offset);
]]
local C, MONOTONIC = ffi.C, 1
local LENGTH_DIGITS = 8
local thread

function setup(its_thread)
  thread = its_thread
end

local data, size, at, last, rate, again, began
local time = ffi.new("struct bench_time")
sent, exhausted = 0, 0

local function now()
  C.clock_gettime(MONOTONIC, time)
  return tonumber(time.seconds) + tonumber(time.nanoseconds) / 1e9
end

local planned = 0
local function delay_until_planned()
  began = began or now()
  local wait = began + planned / rate - now()
  planned = planned + 1
  return wait > 0 and math.floor(wait * 1000 + 0.5) or 0
end

function init(args)
  -- Mapped, not read: Lua's own memory is small.
  local file = C.open(args[1], 0)
  assert(file >= 0, "can't open the requests")
  size = tonumber(C.lseek(file, 0, 2))
  data = ffi.cast("const char *", C.mmap(nil, size, 1, 2, file, 0))
  rate = tonumber(args[2])
  again = args[3] == "again"
  at = 0
  if rate > 0 then
    delay = delay_until_planned -- wrk calls a global of this name, where there is one
  end
end

function request()
  sent = sent + 1
  if again and at >= size then
    at = 0
  end
  if at >= size then -- what is still asked for until the thread has stopped is a repetition
    exhausted = exhausted + 1
    wrk.thread:stop()
    return last
  end
  local length = tonumber(ffi.string(data + at, LENGTH_DIGITS))
  last = ffi.string(data + at + LENGTH_DIGITS, length)
  at = at + LENGTH_DIGITS + length
  return last
end

function done(summary, latency, _)
  local errors = summary.errors
  io.write(string.format(
    'BENCH {"sent":%d,"exhausted":%d,"answers":%d,"refused":%d,"broken":%d,"seconds":%.6f,' ..
      '"p50_ms":%.3f,"p99_ms":%.3f}\n',
    thread:get("sent"), thread:get("exhausted"), summary.requests, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout, summary.duration / 1e6,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end
