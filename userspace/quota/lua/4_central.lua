-- SPDX-License-Identifier: Apache-2.0
-- ---- quota_central: call id, node, incarnation, then passed want rate total of each -----

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
      if small == 1 then status = take_row(field, incarnation) end
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
        save_row(field)
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

