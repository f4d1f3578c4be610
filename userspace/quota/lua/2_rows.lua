-- SPDX-License-Identifier: Apache-2.0
-- ---- sweep ----------------------------------------------------------------------------

-- Drops what has ended and rebuilds the sums. Returns what the dropped ones held. It is due when a
-- row may have ended, and each period while rows are at the floor: the sums are kept meanwhile.
local function sweep(cut, wants)
  local dropped, latest = 0, now + 2 * ttl
  local all = redis.call('HGETALL', key)
  S, H, U, live, P, due = 0, 0, 0, 0, 0, NUMBER_MAX
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
          rexp = latest
        end
        due = min(due, rexp)
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
      due = now
    end
  end
end

-- It learns for as long as the lease of a steady node that is not heard may hold.
local function read_state(text)
  if text then
    S, H, U, o, swept, learn, last, epoch, F, Fw, full, live, P, due = read(ST, text, ST_BYTES)
    idle, idle_at = 0, 0
    if #text > ST_BYTES then idle, idle_at = unpack(IDLE, text, ST_BYTES + 1) end
    return
  end
  S, H, U, o, swept, learn, last, epoch = 0, 0, 0, PPM, now, now + 2 * ttl, now, 1
  F, Fw, full, live, P, due, idle, idle_at = 0, 0, 0, 0, 0, 0, 0, 0
  redis.call('PEXPIRE', key, KEY_MS)
end

-- Reads a tenant; false: it has no terms. With a node's field its row as well, nil where there
-- is none.
local function enter(field)
  local r = redis.call('HMGET', key, 'cfg', 'st', 'ef', field or 'st')
  now = floor(now_us / 1000)
  if not r[1] then return false end
  read_terms(r[1])
  share_rate = nil
  if r[3] then share_rate, share_ms, share_token = unpack(EF, r[3]) end
  read_state(r[2])
  local back = now < last - BACK_MS
  if back then
    epoch = epoch + 1
    learn = now + ttl
    full, idle, idle_at = max(0, full - (last - now) * 1000), 0, 0
    if share_rate and share_ms > now then
      share_ms = now
      redis.call('HSET', key, 'ef', pack(EF, share_rate, share_ms, share_token))
    end
  else
    if now < last then now = last end
  end
  find_rate()
  if back or now - swept >= period then
    local wants = (back or now >= due) and {}
    if wants then
      local dropped = sweep(back, wants)
      if now - last > ttl and dropped > 0 and live == 0 then
        epoch = epoch + 1
        learn = max(learn, now + ttl)
      end
      if field then r[4] = redis.call('HGET', key, field) end
    end
    swept = now
    steer_overbook()
    if wants then find_floored(wants) end
    redis.call('PEXPIRE', key, KEY_MS)
  end
  last = now
  w = nil
  if field and r[4] then w, g, h, u, seq, exp, inc, sh, told = read(ROW, r[4], ROW_BYTES) end
  return true
end

-- What the former incarnation held stays held until its row would have ended.
local function make_ghost(field)
  if h == 0 and sh == 0 then return end
  local former = 'x' .. field:sub(2)
  local ghost = redis.call('HGET', key, former)
  local gh, gexp, gsh = 0, 0, 0
  if ghost then
    local _
    _, _, gh, _, _, gexp, _, gsh = read(ROW, ghost, ROW_BYTES)
  end
  redis.call('HSET', key, former,
    pack(ROW, 0, 0, gh + h, 0, 0, max(gexp, exp), inc, gsh + sh, 0))
end

local function take_row(field, incarnation)
  if w and incarnation < inc then return FENCED end
  if w and exp <= now then
    S, H, U, live, P = S - w, H - h, U - u, live - 1, P - sh
    w = nil
    if live >= NODES_MAX then redis.call('HDEL', key, field) end
  end
  if not w and live >= NODES_MAX then return FULL end
  if not w then
    live = live + 1
    w, g, h, u, seq, exp, sh, told = 0, 0, 0, 0, 0, 0, 0, 0
  elseif incarnation > inc then
    make_ghost(field)
    S, U = S - w, U - u
    w, g, h, u, seq, exp, sh, told = 0, 0, 0, 0, 0, 0, 0, 0
  end
  inc = incarnation
  return OK
end

local function save_row(field)
  if exp < due then due = exp end
  redis.call('HSET', key, field, pack(ROW, w, g, h, u, seq, exp, inc, sh, told), 'st', state())
end

