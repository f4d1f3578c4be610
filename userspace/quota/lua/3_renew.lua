-- SPDX-License-Identifier: Apache-2.0
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

