-- SPDX-License-Identifier: Apache-2.0
-- ---- quota_central: call id, node, incarnation, then passed want rate total since void --

local CHARGE_BYTES, CHARGE_7_BYTES, SINCE_MS_MAX = 48, 40, 86400000
local rate, burst_us, from_us, latest_us

local function cost_us(amount)
  return ceil(amount / rate * S_US)
end

local function spend(amount)
  full = min(full + cost_us(amount), latest_us)
end

-- What passed as the safe share from then on comes out of the time in which the bucket was full
-- and nobody was paid; what may have passed after that, or all at once, does not. A question that
-- is read late was asked so long ago.
local function spend_since(amount, since_ms, late_us)
  local since_us = from_us - since_ms * 1000 - late_us
  if since_ms + late_us == 0 or since_us >= idle_at then return spend(amount) end
  local cost = cost_us(amount)
  local least_us = max(full - idle, since_us) + cost
  local at_once = min(cost, cost_us(cost_max))
  local later = min(cost - at_once, max(0, ceil((from_us - idle_at) / live)))
  -- asked before the end of that time, so nothing of it passed after
  if late_us > 0 and from_us - late_us <= idle_at then at_once, later = 0, 0 end
  full = min(max(full + at_once + later, least_us), latest_us)
  idle = max(0, full - least_us)
end

local function open_bucket()
  from_us = max(now_us, now * 1000)
  rate = max(1, E - H)
  -- what passes before it is charged comes out of a part of B that is kept for it
  local kept = min(floor(B / 2), floor(cost_max * live / 8))
  burst_us = min(cost_us(B - kept), BURST_US_MAX)
  latest_us = from_us + burst_us + DEBT_US_MAX
  if full < from_us then
    if from_us - full >= idle or from_us - idle_at > ttl * 1000 then
      idle, idle_at = from_us - full, from_us
    end
    full = from_us
  end
  full = min(full, latest_us)
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

local function charge_one(incarnation, field, passed, want, wanted, total, since, void)
  if not enter(field) then return pack(CHARGED, UNKNOWN, 0, 0, 0, 0, 0, 0) end
  local status = LEASED
  if small == 1 then status = take_row(field, incarnation) end
  if status ~= OK then
    save()
    return pack(CHARGED, status, 0, 0, 0, 0, gen, live)
  end
  leave_lease()
  open_bucket()
  if total then -- what was asked again is charged once
    passed, told = min(passed, max(0, total - told)), max(told, total)
  end
  local late = 0
  if void > 0 and now_us > void then -- nobody waits for the answer
    want, late = 0, now_us - void
  end
  spend_since(passed, since, late)
  local paid, wait, left = pay(want)
  S = S - w
  w = min(wanted, ceiling)
  S = S + w
  seq = seq + 1
  exp = max(exp, now + ttl)
  save_row(field)
  return pack(CHARGED, OK, paid, wait, left, rate, gen, live)
end

-- Agents of version 7 and later.
local function central_packed(keys, args, incarnation, field, out)
  local format, bytes = CHARGE, CHARGE_BYTES
  if #args[4] == #keys * CHARGE_7_BYTES then format, bytes = CHARGE_7, CHARGE_7_BYTES end
  check_packed(keys, args, bytes)
  for i = 1, #keys do
    local passed, want, wanted, total, since, void = unpack(format, args[4], bytes * (i - 1) + 1)
    if bytes == CHARGE_7_BYTES then void = 0 end
    if passed < 0 or passed > 2 * RATE_MAX or want < 0 or want > 2 * RATE_MAX or wanted < 0 or
      wanted > 2 * RATE_MAX or total < 0 or total > NUMBER_MAX or since < 0 or
      since > SINCE_MS_MAX or void < 0 or void > NUMBER_MAX then
      refuse('not a number in range')
    end
    key = keys[i]
    out[i + 1] = charge_one(incarnation, field, passed, want, wanted, total, since, void)
  end
end

local function central(keys, args)
  begin()
  local node, incarnation = name(args[2]), int(args[3], NUMBER_MAX)
  local field, out, at = 'n' .. node, { head(args[1], #keys) }, 3
  if #args == 4 then
    central_packed(keys, args, incarnation, field, out)
    return table.concat(out)
  end
  local each = #args == 3 + 3 * #keys and 3 or 4
  check_keys(keys, args, 3, each)
  for i = 1, #keys do
    local passed, want = int(args[at + 1], 2 * RATE_MAX), int(args[at + 2], 2 * RATE_MAX)
    local wanted = int(args[at + 3], 2 * RATE_MAX)
    local total = each == 4 and int(args[at + 4], NUMBER_MAX)
    at = at + each
    key = keys[i]
    out[i + 1] = charge_one(incarnation, field, passed, want, wanted, total, 0, 0)
  end
  return table.concat(out)
end
