//! The scripts, each one step for everybody else.

use redis::Script;

/// Every script, with its SHA-1 computed once: Redis keeps the text after the first call.
pub(super) struct Scripts {
    pub(super) keep: Script,
    pub(super) find_by_token: Script,
    pub(super) list: Script,
    pub(super) rename: Script,
    pub(super) renew: Script,
    pub(super) end: Script,
    pub(super) touch: Script,
    pub(super) rates: Script,
}

impl Scripts {
    pub(super) fn new() -> Self {
        Self {
            keep: Script::new(KEEP),
            find_by_token: Script::new(FIND_BY_TOKEN),
            list: Script::new(LIST),
            rename: Script::new(RENAME),
            renew: Script::new(RENEW),
            end: Script::new(END),
            touch: Script::new(TOUCH),
            rates: super::rates::script(),
        }
    }
}

/// Keys: session, token, account. Arguments: id, last seen, milliseconds it is kept, fields and values.
const KEEP: &str = "
redis.call('HSET', KEYS[1], unpack(ARGV, 4))
redis.call('PEXPIRE', KEYS[1], ARGV[3])
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[3])
redis.call('ZADD', KEYS[3], ARGV[2], ARGV[1])
if redis.call('PTTL', KEYS[3]) < tonumber(ARGV[3]) then redis.call('PEXPIRE', KEYS[3], ARGV[3]) end
return redis.status_reply('OK')
";

/// Key: token. Arguments: prefix, the token's digest.
const FIND_BY_TOKEN: &str = "
local id = redis.call('GET', KEYS[1])
if not id then return {} end
local key = ARGV[1] .. 's:' .. id
if redis.call('HGET', key, 'token') ~= ARGV[2] then return {} end
return redis.call('HGETALL', key)
";

/// Key: account. Argument: prefix. Ids whose session has expired leave the set.
const LIST: &str = "
local found = {}
for _, id in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  local fields = redis.call('HGETALL', ARGV[1] .. 's:' .. id)
  if #fields == 0 then redis.call('ZREM', KEYS[1], id) else found[#found + 1] = fields end
end
return found
";

/// Keys: session, notices. Arguments: the notice's moment and text, account, name.
const RENAME: &str = "
if redis.call('HGET', KEYS[1], 'account') ~= ARGV[3] then return 0 end
redis.call('HSET', KEYS[1], 'name', ARGV[4])
redis.call('ZADD', KEYS[2], ARGV[1], ARGV[2])
return 1
";

/// Keys: session, notices, old token, new token. Arguments: the notice's moment and text, id, both digests.
const RENEW: &str = "
local now = tonumber(ARGV[1])
local fields = redis.call('HMGET', KEYS[1], 'token', 'last_seen_at', 'idle', 'expires_at')
if fields[1] ~= ARGV[4] then return 0 end
if now >= tonumber(fields[4]) or now - tonumber(fields[2]) >= tonumber(fields[3]) then return 0 end
redis.call('HSET', KEYS[1], 'token', ARGV[5])
redis.call('DEL', KEYS[3])
redis.call('SET', KEYS[4], ARGV[3], 'PX', redis.call('PTTL', KEYS[1]))
redis.call('ZADD', KEYS[2], ARGV[1], ARGV[2])
return 1
";

/// Keys: account, notices. Arguments: the notice's moment and text (empty for none), prefix, account, ids.
const END: &str = "
local ended = {}
for i = 5, #ARGV do
  local key = ARGV[3] .. 's:' .. ARGV[i]
  local fields = redis.call('HMGET', key, 'account', 'token')
  if fields[1] == ARGV[4] then
    redis.call('DEL', key, ARGV[3] .. 't:' .. fields[2])
    redis.call('ZREM', KEYS[1], ARGV[i])
    ended[#ended + 1] = ARGV[i]
  end
end
if #ended > 0 and ARGV[2] ~= '' then redis.call('ZADD', KEYS[2], ARGV[1], ARGV[2]) end
return ended
";

/// Arguments: prefix, milliseconds of grace, ids and moments. Answers the places, from zero, of unknown ids.
const TOUCH: &str = "
local unknown = {}
for i = 3, #ARGV, 2 do
  local key = ARGV[1] .. 's:' .. ARGV[i]
  local fields = redis.call('HMGET', key, 'last_seen_at', 'idle', 'expires_at', 'token', 'account')
  if not fields[1] then
    unknown[#unknown + 1] = (i - 3) / 2
  else
    local at, seen = tonumber(ARGV[i + 1]), tonumber(fields[1])
    local idle, expires = tonumber(fields[2]), tonumber(fields[3])
    if at > seen and at < expires and at - seen < idle then
      local left = math.min(idle, expires - at)
      local millis = string.format('%.0f', math.min(left / 1000, 3.1536e11) + tonumber(ARGV[2]))
      local account = ARGV[1] .. 'a:' .. fields[5]
      redis.call('HSET', key, 'last_seen_at', ARGV[i + 1])
      redis.call('PEXPIRE', key, millis)
      redis.call('PEXPIRE', ARGV[1] .. 't:' .. fields[4], millis)
      redis.call('ZADD', account, ARGV[i + 1], ARGV[i])
      if redis.call('PTTL', account) < tonumber(millis) then redis.call('PEXPIRE', account, millis) end
    end
  end
end
return unknown
";
