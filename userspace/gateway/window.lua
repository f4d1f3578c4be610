#!lua name=sluice_window
-- SPDX-License-Identifier: Apache-2.0
-- version: 1
-- Requests of a tenant, counted in windows of a fixed length: userspace/gateway/window.h says
-- what they mean. Windows are aligned to the epoch of this server's clock, so that all gateways
-- share them whatever their own clocks say.
--
-- KEYS: counters of one tenant, PREFIX:{TENANT}:CLASS:SECONDS. Each is a number that expires
-- with its window; what expires at another time is of another window, and begins anew.
-- Raise the version above with every change here.

-- When the window ends, and in how many ms that is.
local function window_now(length)
  local time = redis.call('TIME')
  local now = time[1] * 1000 + (time[2] - time[2] % 1000) / 1000
  local rest = length - now % length
  return now + rest, rest
end

local function count_of(key, ends)
  if redis.call('PEXPIRETIME', key) ~= ends then
    return 0
  end
  return tonumber(redis.call('GET', key))
end

-- ARGV: the window in ms, then the limit of each counter. Counts one request in all of them, or
-- in none when one has reached its limit.
-- {1 or 0, the counter that refused or 0, ms until the window ends, each count}
local function take(keys, argv)
  local ends, rest = window_now(tonumber(argv[1]))
  local reply = {1, 0, rest}
  for i, key in ipairs(keys) do
    reply[3 + i] = count_of(key, ends)
    if reply[1] == 1 and reply[3 + i] >= tonumber(argv[1 + i]) then
      reply[1], reply[2] = 0, i
    end
  end
  if reply[1] == 0 then
    return reply
  end
  for i, key in ipairs(keys) do
    if reply[3 + i] > 0 then
      redis.call('INCR', key)
    else
      redis.call('SET', key, 1, 'PXAT', string.format('%.0f', ends))
    end
    reply[3 + i] = reply[3 + i] + 1
  end
  return reply
end

-- ARGV: the window in ms. Counts nothing. {ms until the window ends, each count}
local function look(keys, argv)
  local ends, rest = window_now(tonumber(argv[1]))
  local reply = {rest}
  for i, key in ipairs(keys) do
    reply[1 + i] = count_of(key, ends)
  end
  return reply
end

redis.register_function('sluice_window_take', take)
redis.register_function{function_name = 'sluice_window_look', callback = look, flags = {'no-writes'}}
