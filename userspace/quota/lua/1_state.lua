#!lua name=sluice_quota
-- SPDX-License-Identifier: Apache-2.0
-- version: 8
-- The store's side of global quotas: userspace/quota/store.h says what it does, and its model
-- in C is held to agree with this number for number. A call carries tenants of one bucket.
--
-- KEYS of a tenant and kind: hashes q:{bNNN}:TENANT:K with the fields
--   cfg      terms           st      sums and times        ef    the leader's effective rate
--   n<NODE>  a node's row    x<NODE> what its former incarnation still holds
-- Those of former versions are shorter: what they lack is 0.
-- Numbers are whole and under 2^53. Fractions are computed in the order of the model.
-- Replies: big-endian 64-bit words; version, call id, TIME in us, count, then each tenant's.
-- The numbers of quota_renew and quota_central are one argument of such words, all tenants'. Agents
-- of version 7 send one word less of each to quota_central. Those of versions 4 to 6 send
-- quota_central each as an argument, without the last two, and of 4 and 5 quota_renew as well; those
-- of version 3 send one less for each tenant and read one less.
--
-- What is called for each renewal is written for few steps of Lua, bytes and fields: Redis takes
-- as long for a step as for five bytes of a new string, for a packed field as for ten steps.
-- x - x % 1 is floor(x), exactly.

-- Raise the version above with every change here, and WIRE when replies change: a server keeps
-- the newest version that any agent brought, and it must serve what older ones call.
local WIRE = 1

local OK, UNKNOWN, FENCED, CENTRAL, LEASED, FULL, STALE, CONFLICT = 0, 1, 2, 3, 4, 5, 6, 7
local CONTENDED, LEARNING = 1, 2

local PPM = 1000000
local NUMBER_MAX = 9007199254740991
local RATE_MAX = 1000000000000
local NODES_MAX = 4096
local TENANTS_MAX = 50
local KEY_MS = 86400000
local DECAY_MS = 30000
local BACK_MS = 1000
local LEAD_MS = 5000
local BLOCK_MS = 100
local WAIT_MS_MAX = 10000
local S_US = 1000000
local DEBT_US_MAX = 60 * S_US
local QUEUE_US_MAX = S_US
local BURST_US_MAX = 86400 * S_US

local ST_BYTES, ROW_BYTES, SHOWN_ST_BYTES, SHOWN_ROW_BYTES = 112, 72, 96, 56
local KNOWN_MAX = 4096

-- ---- the key at hand ------------------------------------------------------------------

local floor, ceil, min, max, pack, unpack -- Redis 7.0 has no math and struct while loading
local HEAD, CFG, ST, IDLE, EF, ROW, ASKED, RENEWED, CHARGE, CHARGE_7, CHARGED
local known, known_count = {}, 0 -- terms by their text
local key, now, now_us
local gen, R, B, cost_max, ceiling, over_max, safe, ttl, period, small
-- P: safe shares held; due: no row ends before, and none has come to the floor
local S, H, U, o, swept, learn, last, epoch, F, Fw, full, live, P, due
local idle, idle_at -- us, of the central bucket: up to then it was full for so long
local E, share_rate, share_ms, share_token
-- of the node's row; sh: the safe share held; told: granted last, or charged in all
local w, g, h, u, seq, exp, inc, sh, told

local function words(count)
  return '>' .. string.rep(struct.size('l') == 8 and 'l' or 'i8', count) -- l is read faster
end

local function prepare()
  floor, ceil, min, max = math.floor, math.ceil, math.min, math.max
  pack, unpack = struct.pack, struct.unpack
  HEAD, CFG, ST, EF, ROW = words(4), words(15), words(14), words(3), words(9)
  ASKED, RENEWED, CHARGED, IDLE = words(6), words(10), words(7), words(2)
  CHARGE, CHARGE_7 = words(6), words(5)
end

local function begin()
  if not pack then prepare() end
  local t = redis.call('TIME')
  now_us = t[1] * S_US + t[2]
end

local function refuse(text)
  error({ err = 'QUOTA ' .. text })
end

local function int(text, most)
  local number = tonumber(text)
  if not number or not (number >= 0 and number <= most) or number % 1 ~= 0 then
    refuse('not a number in range')
  end
  return number
end

local function read(format, text, bytes)
  if #text < bytes then text = text .. string.rep('\0', bytes - #text) end
  return unpack(format, text)
end

local function check_keys(keys, args, before, each)
  if #keys < 1 or #keys > TENANTS_MAX or #args ~= before + #keys * each then
    refuse('wrong number of arguments')
  end
end

-- Of a call whose numbers are one argument.
local function check_packed(keys, args, bytes)
  if #keys < 1 or #keys > TENANTS_MAX or #args[4] ~= #keys * bytes then
    refuse('wrong number of arguments')
  end
end

local function name(text)
  if type(text) ~= 'string' or #text < 1 or #text > 64 then refuse('not a node') end
  return text
end

local function head(call_id, count)
  return pack(HEAD, WIRE, int(call_id, NUMBER_MAX), now_us, count)
end

local function read_terms(text)
  local t = known[text]
  if not t then
    if known_count == KNOWN_MAX then known, known_count = {}, 0 end
    t = { unpack(CFG, text) }
    known[text], known_count = t, known_count + 1
  end
  gen, R, B, cost_max, ceiling, over_max, safe, ttl, period, small =
    t[1], t[2], t[3], t[4], t[6], t[9], t[10], t[11], t[12], t[15]
end

local function decayed(rate, age)
  local past = age - DECAY_MS
  if past <= 0 then return rate end
  if past >= DECAY_MS then return R end
  return rate + floor((R - rate) * (past / DECAY_MS))
end

local function find_rate()
  E = R
  if share_rate then E = min(decayed(share_rate, now - share_ms), ceiling) end
end

local function pool()
  if o == PPM then return E end
  return E + floor(E * (min(o, over_max) - PPM) / PPM)
end

local function state()
  local text = pack(ST, S, H, U, o, swept, learn, last, epoch, F, Fw, full, live, P, due)
  if idle_at > 0 then return text .. pack(IDLE, idle, idle_at) end
  return text
end

local function save()
  redis.call('HSET', key, 'st', state())
end

