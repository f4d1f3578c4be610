-- SPDX-License-Identifier: Apache-2.0
-- ---- quota_renew: call id, node, incarnation, then want has ack used ttl safe of each --

local ASKED_BYTES, RENEWED_3_BYTES = 48, 72

local function hear(want, has, ack, used, has_safe)
  local before, safe_before = h, sh
  if ack > seq then -- writes were lost; or the question is an old one that came late
    h, g, seq, sh = max(h, has), has, ack, max(sh, has_safe)
    learn = max(learn, now + ttl)
  elseif ack > 0 and ack == seq then
    if has < g then g = has end
    h, sh = g, told
    if has_safe < sh then sh = has_safe end
  elseif ack == 0 then -- it spends its fallback until our answer is there
    h, sh = max(h, has), max(sh, has_safe)
  end
  if want > ceiling then want = ceiling end
  H, P, S, U = H + (h - before), P + (sh - safe_before), S - w + want, U - u + used
  w, u = want, used
end

local function lambda_of(all)
  -- F is of the last sweep: E may have fallen since
  if S > all then return min(1, max(0, all - F) / max(1, S - Fw)) end
  local room = all / 10
  room = all - (room - room % 1) - S
  if room <= 0 then return 1 end
  return min(2, 1 + room / max(1, S))
end

local function grant(has, ack, all, lambda)
  local target, free = w * lambda, 0
  target = target - target % 1
  if S > all then
    local least = all / (4 * live)
    least = least - least % 1
    if target < least then -- it counts among the floored
      if w > target then target = min(w, least) end
      if now < due then due = now end
    end
  end
  -- more is held than there is: nobody takes more than it has, and who comes back from its
  -- fallback takes what others left, not what it spent
  if H > all then target = min(target, max(ack > 0 and has or 0, h - (H - all))) end
  if target < h then
    if S > all and H <= all and h - target <= floor(h / 50) then g = h else g = target end
    return
  end
  if learn <= now and all > H then free = all - H end
  if target - h < free then free = target - h end
  g, H = h + free, H + free
  h = g
end

-- what the node falls back to, by the rules of the grant
local function share_safe(ack)
  local target, part, all = 0, safe / PPM, R
  if w > 0 then
    target = R / live
    target = (target - target % 1) * part
    target = target - target % 1
  end
  if part ~= 1 then all = floor(R * part) end
  if ack == 0 and P > all then target = min(target, max(0, sh - (P - all))) end
  told = target
  if target <= sh then return end
  if learn > now or all <= P then
    told = sh
    return
  end
  if told > sh + all - P then told = sh + all - P end
  P, sh = P + told - sh, told
end

local function renew_one(incarnation, field, has_no_safe, want, has, ack, used, keep, has_safe)
  if not enter(field) then return pack(RENEWED, UNKNOWN, 0, 0, 0, 0, 0, 0, 0, 0, 0) end
  local status = CENTRAL
  if small == 0 then status = take_row(field, incarnation) end
  if status ~= OK then
    save()
    return pack(RENEWED, status, 0, 0, 0, 0, 0, gen, 0, live, 0)
  end
  local is_new = seq == 0
  hear(want, has, ack, used, has_safe)
  local all = pool()
  local lambda = lambda_of(all)
  grant(has, ack, all, lambda)
  if not has_no_safe then share_safe(ack) end
  if is_new then seq = max(seq, now) end -- a late ack to an earlier row is none to this
  seq = seq + 1
  if exp < now + keep then exp = now + keep end
  save_row(field)
  local flags = 0
  if S > all then flags = CONTENDED end
  if learn > now then flags = flags + LEARNING end
  local burst, ppm = B * (g / (R > E and R or E)), lambda * PPM
  return pack(RENEWED, OK, g, burst - burst % 1, seq, ppm - ppm % 1, E, gen, flags, live, told)
end

-- Agents of version 6 and later.
local function renew_packed(keys, args, incarnation, field, out)
  local data = args[4]
  check_packed(keys, args, ASKED_BYTES)
  for i = 1, #keys do
    local want, has, ack, used, keep, has_safe = unpack(ASKED, data, ASKED_BYTES * (i - 1) + 1)
    if want < 0 or want > 2 * RATE_MAX or has < 0 or has > 2 * RATE_MAX or ack < 0 or
      ack >= NUMBER_MAX or used < 0 or used > 2 * RATE_MAX or keep < 0 or keep > 120000 or
      has_safe < 0 or has_safe > RATE_MAX then
      refuse('not a number in range')
    end
    key = keys[i]
    out[i + 1] = renew_one(incarnation, field, false, want, has, ack, used, keep, has_safe)
  end
end

local function renew(keys, args)
  begin()
  local node, incarnation = name(args[2]), int(args[3], NUMBER_MAX)
  local field, out, at = 'n' .. node, { head(args[1], #keys) }, 3
  if #args == 4 then
    renew_packed(keys, args, incarnation, field, out)
    return table.concat(out)
  end
  local each = #args == 3 + 5 * #keys and 5 or 6
  check_keys(keys, args, 3, each)
  for i = 1, #keys do
    local want, has = int(args[at + 1], 2 * RATE_MAX), int(args[at + 2], 2 * RATE_MAX)
    local ack, used = int(args[at + 3], NUMBER_MAX - 1), int(args[at + 4], 2 * RATE_MAX)
    local keep = int(args[at + 5], 120000)
    local has_safe = each == 6 and int(args[at + 6], RATE_MAX) or 0
    at = at + each
    key = keys[i]
    local said = renew_one(incarnation, field, each == 5, want, has, ack, used, keep, has_safe)
    out[i + 1] = each == 5 and said:sub(1, RENEWED_3_BYTES) or said
  end
  return table.concat(out)
end
