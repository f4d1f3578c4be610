#!lua name=sluice_quota
-- SPDX-License-Identifier: Apache-2.0
-- version: 4
-- The store's side of global quotas: userspace/quota/store.h says what it does, and its model
-- in C is held to agree with this number for number. A call carries tenants of one bucket.
--
-- KEYS of a tenant and kind: hashes q:{bNNN}:TENANT:K with the fields
--   cfg      terms           st      sums and times        ef    the leader's effective rate
--   n<NODE>  a node's row    x<NODE> what its former incarnation still holds
-- Those of version 3 are shorter: what they lack is 0. Agents of version 3 send one number less
-- for each tenant and read one less.
-- Numbers are whole and under 2^53. Fractions are computed in the order of the model.
-- Replies: big-endian 64-bit words; version, call id, TIME in us, count, then each tenant's.

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

local HEAD = '>i8i8i8i8'
local CFG = '>i8i8i8i8i8i8i8i8i8i8i8i8i8i8i8'
local ST = '>i8i8i8i8i8i8i8i8i8i8i8i8i8'
local EF = '>i8i8i8'
local ROW = '>i8i8i8i8i8i8i8i8i8'
local ST_BYTES, ROW_BYTES, SHOWN_ST_BYTES, SHOWN_ROW_BYTES = 104, 72, 96, 56

-- ---- the key at hand ------------------------------------------------------------------

local floor, ceil, min, max, pack, unpack -- Redis 7.0 has no math and struct while loading
local key, now, now_us
local gen, R, B, cost_max, guarantee, ceiling, node_ceiling, weight, over_max, safe, ttl, period
local class, on_expiry, small
local S, H, U, o, swept, learn, last, epoch, F, Fw, full, live, P -- P: safe shares held
local E, share_rate, share_ms, share_token
-- of the node's row; sh: the safe share held; told: granted last, or charged in all
local w, g, h, u, seq, exp, inc, sh, told

local function begin()
  floor, ceil, min, max = math.floor, math.ceil, math.min, math.max
  pack, unpack = struct.pack, struct.unpack
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

local function name(text)
  if type(text) ~= 'string' or #text < 1 or #text > 64 then refuse('not a node') end
  return text
end

local function head(call_id, count)
  return pack(HEAD, WIRE, int(call_id, NUMBER_MAX), now_us, count)
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
  return E + floor(E * (min(o, over_max) - PPM) / PPM)
end

local function save()
  redis.call('HSET', key, 'st',
    pack(ST, S, H, U, o, swept, learn, last, epoch, F, Fw, full, live, P))
end

-- ---- sweep ----------------------------------------------------------------------------

-- Drops what has ended and rebuilds the sums. Returns what the dropped ones held.
local function sweep(cut, wants)
  local dropped, latest = 0, now + 2 * ttl
  local all = redis.call('HGETALL', key)
  S, H, U, live, P = 0, 0, 0, 0, 0
  for i = 1, #all, 2 do
    local field = all[i]
    local kind = field:byte(1)
    if kind == 110 or kind == 120 then
      local rw, rg, rh, ru, rseq, rexp, rinc, rsh, rtold = read(ROW, all[i + 1], ROW_BYTES)
      if rexp <= now then
        dropped = dropped + rh
        redis.call('HDEL', key, field)
      else
        if cut and rexp > latest then
          redis.call('HSET', key, field, pack(ROW, rw, rg, rh, ru, rseq, latest, rinc, rsh,
            rtold))
        end
        H = H + rh
        P = P + rsh
        if kind == 110 then
          S = S + rw
          U = U + ru
          live = live + 1
          wants[live] = rw
        end
      end
    end
  end
  swept = now
  return dropped
end

local function steer_overbook()
  local high = E - floor(E / 200)
  if S > E and U < E - floor(E / 50) then
    o = o + 20000
  elseif U > high then
    o = o - max(20000, floor((U - high) / E * PPM))
  elseif S <= E then
    o = o - 50000
  end
  o = max(PPM, min(over_max, o))
end

local function find_floored(wants)
  local all = pool()
  F, Fw = 0, 0
  if S <= all then return end
  local least = floor(all / (4 * live))
  local lambda = all / S
  for i = 1, live do
    local want = wants[i]
    if floor(want * lambda) < least then
      F = F + min(want, least)
      Fw = Fw + want
    end
  end
end

-- It learns for as long as the lease of a steady node that is not heard may hold.
local function read_state(text)
  if text then
    S, H, U, o, swept, learn, last, epoch, F, Fw, full, live, P = read(ST, text, ST_BYTES)
    return
  end
  S, H, U, o, swept, learn, last, epoch = 0, 0, 0, PPM, now, now + 2 * ttl, now, 1
  F, Fw, full, live, P = 0, 0, 0, 0, 0
  redis.call('PEXPIRE', key, KEY_MS)
end

-- Reads a tenant; false: it has no terms. With a node its row as well, nil where there is none.
local function enter(node)
  local r = redis.call('HMGET', key, 'cfg', 'st', 'ef', node or 'st')
  now = floor(now_us / 1000)
  if not r[1] then return false end
  gen, R, B, cost_max, guarantee, ceiling, node_ceiling, weight, over_max, safe, ttl, period,
    class, on_expiry, small = unpack(CFG, r[1])
  share_rate = nil
  if r[3] then share_rate, share_ms, share_token = unpack(EF, r[3]) end
  read_state(r[2])
  local back = now < last - BACK_MS
  if back then
    epoch = epoch + 1
    learn = now + ttl
    full = max(0, full - (last - now) * 1000)
    if share_rate and share_ms > now then
      share_ms = now
      redis.call('HSET', key, 'ef', pack(EF, share_rate, share_ms, share_token))
    end
  else
    now = max(now, last)
  end
  find_rate()
  if back or now - swept >= period then
    local jumped, wants = now - last > ttl, {}
    local dropped = sweep(back, wants)
    if jumped and dropped > 0 and live == 0 then
      epoch = epoch + 1
      learn = max(learn, now + ttl)
    end
    steer_overbook()
    find_floored(wants)
    redis.call('PEXPIRE', key, KEY_MS)
    if node then r[4] = redis.call('HGET', key, node) end
  end
  last = now
  w = nil
  if node and r[4] then w, g, h, u, seq, exp, inc, sh, told = read(ROW, r[4], ROW_BYTES) end
  return true
end

-- What the former incarnation held stays held until its row would have ended.
local function make_ghost(node)
  if h == 0 and sh == 0 then return end
  local ghost = redis.call('HGET', key, 'x' .. node)
  local gh, gexp, gsh = 0, 0, 0
  if ghost then
    local _
    _, _, gh, _, _, gexp, _, gsh = read(ROW, ghost, ROW_BYTES)
  end
  redis.call('HSET', key, 'x' .. node,
    pack(ROW, 0, 0, gh + h, 0, 0, max(gexp, exp), inc, gsh + sh, 0))
end

local function take_row(node, incarnation)
  if w and incarnation < inc then return FENCED end
  if w and exp <= now then
    S, H, U, live, P = S - w, H - h, U - u, live - 1, P - sh
    w = nil
    if live >= NODES_MAX then redis.call('HDEL', key, 'n' .. node) end
  end
  if not w and live >= NODES_MAX then return FULL end
  if not w then
    live = live + 1
    w, g, h, u, seq, exp, sh, told = 0, 0, 0, 0, 0, 0, 0, 0
  elseif incarnation > inc then
    make_ghost(node)
    S, U = S - w, U - u
    w, g, h, u, seq, exp, sh, told = 0, 0, 0, 0, 0, 0, 0, 0
  end
  inc = incarnation
  return OK
end

local function save_row(node)
  redis.call('HSET', key, 'n' .. node, pack(ROW, w, g, h, u, seq, exp, inc, sh, told), 'st',
    pack(ST, S, H, U, o, swept, learn, last, epoch, F, Fw, full, live, P))
end

-- ---- quota_renew: call id, node, incarnation, then want has ack used ttl safe of each --

local RENEWED = '>i8i8i8i8i8i8i8i8i8i8'
local RENEWED_3_BYTES = 72

local function hear(want, has, ack, used, has_safe)
  local before, safe_before = h, sh
  if ack > seq then -- writes were lost; or the question is an old one that came late
    h, g, seq, sh = max(h, has), has, ack, max(sh, has_safe)
    learn = max(learn, now + ttl)
  elseif ack > 0 and ack == seq then
    h = min(g, has)
    g, sh = h, min(told, has_safe)
  elseif ack == 0 then -- it spends its fallback until our answer is there
    h, sh = max(h, has), max(sh, has_safe)
  end
  H, P = H + (h - before), P + (sh - safe_before)
  want = min(want, ceiling)
  S, U = S - w + want, U - u + used
  w, u = want, used
end

local function lambda_of(all)
  if S > all then return min(1, (all - F) / max(1, S - Fw)) end
  local room = all - floor(all / 10) - S
  if room <= 0 then return 1 end
  return min(2, 1 + room / max(1, S))
end

local function grant(has, ack, all, lambda)
  local contended = S > all
  local target, free = floor(w * lambda), 0
  if contended then target = max(target, min(w, floor(all / (4 * live)))) end
  -- more is held than there is: nobody takes more than it has, and who comes back from its
  -- fallback takes what others left, not what it spent
  if H > all then target = min(target, max(ack > 0 and has or 0, h - (H - all))) end
  if target < h then
    if contended and H <= all and h - target <= floor(h / 50) then g = h else g = target end
    return
  end
  if learn <= now then free = max(0, all - H) end
  g = h + min(target - h, free)
  H = H + (g - h)
  h = g
end

local function beta_of(amount)
  return floor(amount * (safe / PPM))
end

-- what the node falls back to, by the rules of the grant
local function share_safe(ack)
  local target, free, all = 0, 0, beta_of(R)
  if w > 0 then target = beta_of(floor(R / live)) end
  if ack == 0 and P > all then target = min(target, max(0, sh - (P - all))) end
  if target > sh and learn <= now then free = max(0, all - P) end
  told = min(target, sh + free)
  P = P + max(0, told - sh)
  sh = max(sh, told)
end

local function renew(keys, args)
  begin()
  local each = #args == 3 + 5 * #keys and 5 or 6
  check_keys(keys, args, 3, each)
  local node, incarnation = name(args[2]), int(args[3], NUMBER_MAX)
  local field, out, at = 'n' .. node, { head(args[1], #keys) }, 3
  for i = 1, #keys do
    local want, has = int(args[at + 1], 2 * RATE_MAX), int(args[at + 2], 2 * RATE_MAX)
    local ack, used = int(args[at + 3], NUMBER_MAX - 1), int(args[at + 4], 2 * RATE_MAX)
    local keep = int(args[at + 5], 120000)
    local has_safe = each == 6 and int(args[at + 6], RATE_MAX) or 0
    local status = UNKNOWN
    at = at + each
    key = keys[i]
    if enter(field) then
      status = CENTRAL
      if small == 0 then status = take_row(node, incarnation) end
      if status == OK then
        local is_new = seq == 0
        hear(want, has, ack, used, has_safe)
        local all = pool()
        local lambda = lambda_of(all)
        grant(has, ack, all, lambda)
        if each == 6 then share_safe(ack) end
        if is_new then seq = max(seq, now) end -- a late ack to an earlier row is none to this
        seq = seq + 1
        exp = max(exp, now + keep)
        save_row(node)
        local flags = 0
        if S > all then flags = CONTENDED end
        if learn > now then flags = flags + LEARNING end
        out[i + 1] = pack(RENEWED, OK, g, floor(B * (g / max(R, E))), seq, floor(lambda * PPM), E,
          gen, flags, live, told)
      else
        save()
        out[i + 1] = pack(RENEWED, status, 0, 0, 0, 0, 0, gen, 0, live, 0)
      end
    else
      out[i + 1] = pack(RENEWED, UNKNOWN, 0, 0, 0, 0, 0, 0, 0, 0, 0)
    end
    if each == 5 then out[i + 1] = out[i + 1]:sub(1, RENEWED_3_BYTES) end
  end
  return table.concat(out)
end

-- ---- quota_central: call id, node, incarnation, then passed want rate total of each -----

local CHARGED = '>i8i8i8i8i8i8i8'
local rate, burst_us, from_us

local function cost_us(amount)
  return ceil(amount / rate * S_US)
end

local function spend(amount)
  full = min(full + cost_us(amount), from_us + burst_us + DEBT_US_MAX)
end

local function open_bucket()
  from_us = max(now_us, now * 1000)
  rate = max(1, E - H)
  -- what passes before it is charged comes out of a part of B that is kept for it
  local kept = min(floor(B / 2), floor(cost_max * live / 8))
  burst_us = min(cost_us(B - kept), BURST_US_MAX)
  full = min(max(full, from_us), from_us + burst_us + DEBT_US_MAX)
end

-- Pays for the amount now, promises it for later, or refuses: paid, wait_ms, left.
local function pay(amount)
  local want = min(amount, max(cost_max, min(floor(rate / 4), B)))
  local need = min(want, cost_max)
  local room, there = from_us + burst_us - full, 0
  if room > 0 then there = floor(room / S_US * rate) end
  if there >= need then
    local paid = min(want, there)
    spend(paid)
    return paid, 0, there - paid
  end
  local late, paid = cost_us(want) - room, 0
  if late <= max(QUEUE_US_MAX, cost_us(need)) then
    paid = want
    spend(want)
  else
    late = late - QUEUE_US_MAX
  end
  return paid, min(WAIT_MS_MAX, max(BLOCK_MS, ceil(late / 1000))), 0
end

-- It asks here: it has no lease any more.
local function leave_lease()
  if sh > 0 then told = 0 end
  H, P = H - h, P - sh
  g, h, sh = 0, 0, 0
end

local function central(keys, args)
  begin()
  local each = #args == 3 + 3 * #keys and 3 or 4
  check_keys(keys, args, 3, each)
  local node, incarnation = name(args[2]), int(args[3], NUMBER_MAX)
  local field, out, at = 'n' .. node, { head(args[1], #keys) }, 3
  for i = 1, #keys do
    local passed, want = int(args[at + 1], 2 * RATE_MAX), int(args[at + 2], 2 * RATE_MAX)
    local wanted = int(args[at + 3], 2 * RATE_MAX)
    local total = each == 4 and int(args[at + 4], NUMBER_MAX)
    at = at + each
    key = keys[i]
    if enter(field) then
      local status = LEASED
      if small == 1 then status = take_row(node, incarnation) end
      if status == OK then
        leave_lease()
        open_bucket()
        if total then -- what was asked again is charged once
          passed, told = min(passed, max(0, total - told)), max(told, total)
        end
        spend(passed)
        local paid, wait, left = pay(want)
        S = S - w
        w = min(wanted, ceiling)
        S = S + w
        seq = seq + 1
        exp = max(exp, now + ttl)
        save_row(node)
        out[i + 1] = pack(CHARGED, OK, paid, wait, left, rate, gen, live)
      else
        save()
        out[i + 1] = pack(CHARGED, status, 0, 0, 0, 0, gen, live)
      end
    else
      out[i + 1] = pack(CHARGED, UNKNOWN, 0, 0, 0, 0, 0, 0)
    end
  end
  return table.concat(out)
end

-- ---- quota_terms: call id, then the 15 of CFG -------------------------------------------

local function take_terms(cfg, new_gen, new_ttl, new_small)
  local r = redis.call('HMGET', key, 'cfg', 'st')
  if r[1] then
    gen, R, B, cost_max, guarantee, ceiling, node_ceiling, weight, over_max, safe, ttl, period,
      class, on_expiry, small = unpack(CFG, r[1])
    if new_gen < gen then return STALE end
    if new_gen == gen and cfg ~= r[1] then return CONFLICT end
    if r[2] and small ~= new_small then
      S, H, U, o, swept, learn, last, epoch, F, Fw, full, live, P = read(ST, r[2], ST_BYTES)
      learn = max(learn, now + new_ttl)
      save()
    end
  end
  redis.call('HSET', key, 'cfg', cfg)
  redis.call('PEXPIRE', key, KEY_MS)
  return OK
end

local function terms(keys, args)
  begin()
  check_keys(keys, args, 16, 0)
  if #keys ~= 1 then refuse('one tenant at a time') end
  local a = {}
  for i = 2, 16 do a[i - 1] = int(args[i], NUMBER_MAX) end
  if a[1] < 1 or a[2] < 1 or a[2] > RATE_MAX or a[3] < 1 or a[3] > RATE_MAX or a[4] < 1 or
    a[4] > a[3] or a[5] > a[2] or a[6] < a[2] or a[6] > RATE_MAX or a[7] > RATE_MAX or a[8] < 1 or
    a[8] > PPM or a[9] < PPM or a[9] > 2 * PPM or a[10] > PPM or a[11] < 200 or a[11] > 60000 or
    a[12] < 50 or 2 * a[12] > a[11] or a[13] > 3 or a[14] > 4 or a[15] > 1 then
    refuse('terms out of range')
  end
  key, now = keys[1], floor(now_us / 1000)
  local cfg = pack(CFG, a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8], a[9], a[10], a[11], a[12],
    a[13], a[14], a[15])
  return head(args[1], 1) .. pack('>i8', take_terms(cfg, a[1], a[11], a[15]))
end

-- ---- quota_share: call id, token, then the effective rate of each ------------------------

local function share(keys, args)
  begin()
  check_keys(keys, args, 2, 1)
  local token, out = int(args[2], NUMBER_MAX), { head(args[1], #keys) }
  now = floor(now_us / 1000)
  for i = 1, #keys do
    local new, status = int(args[i + 2], RATE_MAX), OK
    local r = redis.call('HMGET', keys[i], 'cfg', 'ef')
    if not r[1] then
      status = UNKNOWN
    elseif r[2] then
      local _, _, before = unpack(EF, r[2])
      if token < before then status = STALE end
    end
    if status == OK then redis.call('HSET', keys[i], 'ef', pack(EF, max(1, new), now, token)) end
    out[i + 1] = pack('>i8', status)
  end
  return table.concat(out)
end

-- ---- quota_release: call id, node. What it held is free at once --------------------------

local function release(keys, args)
  begin()
  check_keys(keys, args, 2, 0)
  local node, out = name(args[2]), { head(args[1], #keys) }
  for i = 1, #keys do
    local status = UNKNOWN
    key = keys[i]
    if enter('n' .. node) then
      status = OK
      if w then
        S, H, U, live, P = S - w, H - h, U - u, live - 1, P - sh
        redis.call('HDEL', key, 'n' .. node)
      end
      local ghost = redis.call('HGET', key, 'x' .. node)
      if ghost then
        local _, _, held, _, _, _, _, held_safe = read(ROW, ghost, ROW_BYTES)
        H, P = H - held, P - held_safe
        redis.call('HDEL', key, 'x' .. node)
      end
      save()
    end
    out[i + 1] = pack('>i8', status)
  end
  return table.concat(out)
end

-- ---- quota_show: call id, 1: with rows ---------------------------------------------------

local function show_rows()
  local all, out, count = redis.call('HGETALL', key), {}, 0
  for i = 1, #all, 2 do
    local kind = all[i]:byte(1)
    if kind == 110 or kind == 120 then
      count = count + 1
      out[count] = pack('>i8', kind == 120 and 1 or 0) .. all[i + 1]:sub(1, SHOWN_ROW_BYTES) ..
        pack('>i8', #all[i] - 1) .. all[i]:sub(2)
    end
  end
  return pack('>i8', count) .. table.concat(out)
end

local function show(keys, args)
  begin()
  check_keys(keys, args, 2, 0)
  local with_rows, out = int(args[2], 1), { head(args[1], #keys) }
  for i = 1, #keys do
    key, now = keys[i], floor(now_us / 1000)
    local r = redis.call('HMGET', key, 'cfg', 'st', 'ef')
    if not r[1] then
      out[i + 1] = pack('>i8', UNKNOWN)
    else
      local _
      _, R, _, _, _, ceiling = unpack(CFG, r[1])
      share_rate = nil
      if r[3] then share_rate, share_ms, share_token = unpack(EF, r[3]) end
      find_rate()
      out[i + 1] = pack('>i8', OK) .. r[1] ..
        (r[2] or pack(ST, 0, 0, 0, PPM, 0, 0, 0, 0, 0, 0, 0, 0, 0)):sub(1, SHOWN_ST_BYTES) ..
        pack('>i8', E) ..
        (with_rows == 1 and show_rows() or pack('>i8', 0))
    end
  end
  return table.concat(out)
end

-- ---- quota_lead: call id, node. KEYS[1]: the lock ---------------------------------------

local function lead(keys, args)
  begin()
  check_keys(keys, args, 2, 0)
  local node = name(args[2])
  now = floor(now_us / 1000)
  local r = redis.call('HMGET', keys[1], 'holder', 'token', 'until')
  local token, ends = tonumber(r[2] or '0') or 0, tonumber(r[3] or '0') or 0
  local ended = ends <= now or ends > now + LEAD_MS
  local said = 0
  if token == 0 or ended or r[1] == node then
    -- Of a lock that was lost with its token the time is still newer.
    if token == 0 or ended then token = max(token + 1, now) end
    redis.call('HSET', keys[1], 'holder', node, 'token', string.format('%.0f', token), 'until',
      string.format('%.0f', now + LEAD_MS))
    redis.call('PEXPIRE', keys[1], KEY_MS)
    said = token
  end
  return head(args[1], 1) .. pack('>i8', said)
end

redis.register_function('quota_renew', renew)
redis.register_function('quota_central', central)
redis.register_function('quota_terms', terms)
redis.register_function('quota_share', share)
redis.register_function('quota_release', release)
redis.register_function('quota_lead', lead)
redis.register_function{ function_name = 'quota_show', callback = show, flags = { 'no-writes' } }
