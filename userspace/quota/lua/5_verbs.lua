-- SPDX-License-Identifier: Apache-2.0
-- ---- quota_terms: call id, then the 15 of CFG -------------------------------------------

local function take_terms(cfg, new_gen, new_ttl, new_small)
  local r = redis.call('HMGET', key, 'cfg', 'st')
  if r[1] then
    read_terms(r[1])
    if new_gen < gen then return STALE end
    if new_gen == gen and cfg ~= r[1] then return CONFLICT end
    if r[2] and small ~= new_small then
      read_state(r[2])
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
      read_terms(r[1])
      share_rate = nil
      if r[3] then share_rate, share_ms, share_token = unpack(EF, r[3]) end
      find_rate()
      out[i + 1] = pack('>i8', OK) .. r[1] ..
        (r[2] or pack(ST, 0, 0, 0, PPM, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)):sub(1, SHOWN_ST_BYTES) ..
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

