-- One decision about one more request: the sliding window of internal/ratelimit/window.go, step by step.
-- KEYS[1]  the window, a text of numbers: the start of the latest run, then end and count of each run, oldest first
-- ARGV[1]  the limit, at least 1
-- ARGV[2]  the time; empty: that of this server
-- Returns whether it is admitted (1 or 0), how many more would be, and the times until some of what is used comes back and
-- until one more would be admitted. Times are microseconds, which doubles hold exactly.
local span, run = 60000000, 5000000
local limit, now = tonumber(ARGV[1]), tonumber(ARGV[2])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000000 + time[2]
end

local w = {}
for number in string.gmatch(redis.call('GET', KEYS[1]) or '', '%S+') do
  w[#w + 1] = tonumber(number)
end

local function store(first)
  local text = {string.format('%.0f', w[1])}
  for i = first, #w do
    text[#text + 1] = string.format('%.0f', w[i])
  end
  redis.call('SET', KEYS[1], table.concat(text, ' '), 'PX', 61000) -- a second more, for rounding
end

-- Forget what is a minute old. Where the clock stepped back, a little is made up for by standing still, and more moves all
-- runs along.
local first, moved = 2, false -- the oldest run that counts
if #w > 0 then
  local latest = w[#w - 1]
  if now >= latest then
    while first < #w and now - w[first] >= span do
      first = first + 2
    end
  elseif latest - now <= span then
    now = latest
  else
    w[1] = w[1] - (latest - now)
    for i = 2, #w, 2 do
      w[i] = w[i] - (latest - now)
    end
    moved = true
  end
end

local used = 0
for i = first, #w, 2 do
  used = used + w[i + 1]
end

if used >= limit then
  local i = first
  used = used - w[i + 1]
  while used >= limit do
    i = i + 2
    used = used - w[i + 1]
  end
  if moved or first > 2 then -- else nothing would be admitted until the clock is where it was
    store(first)
  end
  local wait = span - (now - w[i])
  return {0, 0, wait, wait}
end

if first > #w or now - w[1] >= run then
  w[1] = now
  w[#w + 1] = now
  w[#w + 1] = 1
else
  w[#w - 1] = now
  w[#w] = w[#w] + 1
end
store(first)
return {1, limit - used - 1, span - (now - w[first]), 0}
