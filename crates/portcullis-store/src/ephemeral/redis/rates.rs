//! Rates that all nodes count together.
//!
//! One key for each quota and subject, `r:<name>:<limits>:<subject>`: a hash with a field for each limit. One script looks at
//! all of them, by Redis' own clock, and writes only if each admits; it touches no other key. The key expires when all that
//! was used is back.
//!
//! A field of a bucket is the moment it was written (µs) and what was owed then (ns): both are exact as Lua's numbers. A field of
//! a sliding window is its marks, the oldest first: moment (µs) and count. The rules are those of
//! [`portcullis_core::throttle`]; a test compares every answer with them.

use std::time::Duration;

use async_trait::async_trait;
use portcullis_core::defends;
use portcullis_core::fault::Fault;
use portcullis_core::throttle::{Ask, Keeping, Limit, LimitVerdict, Outcome, SharedCounts, window};
use redis::Script;

use super::super::Ephemeral;
use super::Redis;

#[async_trait]
impl SharedCounts for Redis {
    async fn take(&self, ask: &Ask<'_>) -> Result<LimitVerdict, Fault> {
        defends!("T246");
        let quota = ask.quota;
        let key = format!(
            "{}r:{}:{}:{}",
            self.prefix,
            quota.name(),
            quota.limits(),
            ask.subject
        );
        let mut call = self.scripts.rates.prepare_invoke();
        call.key(key).arg(ask.cost);
        for limit in quota.limits().iter() {
            let (kind, first, second, third) = numbers(limit);
            call.arg(kind).arg(first).arg(second).arg(third);
        }
        let answer: Vec<(u32, u64, u64)> = self.connection.run_soon(&call, SOON).await?;
        let mut outcomes = quota
            .limits()
            .iter()
            .zip(answer)
            .map(|(limit, (remaining, reset, wait))| Outcome {
                limit,
                remaining,
                reset: Duration::from_micros(reset),
                wait: (wait > 0).then(|| Duration::from_micros(wait)),
            });
        let first = outcomes.next().ok_or_else(corrupt)?;
        let rest: Vec<_> = outcomes.collect();
        match rest.len() == quota.limits().rest().len() {
            true => Ok(LimitVerdict::new(first, rest)),
            false => Err(corrupt()),
        }
    }

    async fn ping(&self) -> Result<(), Fault> {
        Ephemeral::ping(self).await
    }
}

fn corrupt() -> Fault {
    Fault::Corrupt("the answer of a rate's script in Redis".into())
}

/// A limit as the script reads it: of a bucket the nanoseconds of one, of all, and how many; of a window its count, the
/// microseconds of its period and of a part of it.
fn numbers(limit: Limit) -> (&'static str, u64, u64, u64) {
    let count = u64::from(limit.at_once());
    match limit.keeping() {
        Keeping::Burst(_) => {
            let whole = u64::try_from(limit.span().as_nanos()).unwrap_or(u64::MAX);
            ("bucket", whole / count.max(1), whole, count)
        }
        Keeping::Sliding => {
            let period = u64::try_from(limit.span().as_micros()).unwrap_or(u64::MAX);
            ("window", count, period, period / window::PARTS.unsigned_abs())
        }
    }
}

pub(super) fn script() -> Script {
    Script::new(RATES)
}

/// How long an answer may take: a request waits for it, and this node's own counts are at hand.
const SOON: Duration = Duration::from_millis(250);

/// Key: the subject's hash. Arguments: the cost, then for each limit its kind and three numbers. Answers for each limit what
/// remains, in how many microseconds all is back, and how many to wait: none if it admits.
const RATES: &str = "
local time = redis.call('TIME')
local now, cost, count = time[1] * 1000000 + time[2], tonumber(ARGV[1]), (#ARGV - 1) / 4
local fields, states = {}, {}
for i = 1, count do fields[i] = tostring(i) end
local kept = redis.call('HMGET', KEYS[1], unpack(fields))

local function bucket(field, one, whole, most)
  local base, owed = string.match(field or '', '^(%d+) (%d+)$')
  owed = base and math.min(tonumber(owed), whole) or 0
  owed = math.max(0, owed - math.max(0, now - (tonumber(base) or now)) * 1000)
  return {
    look = function(price)
      local after = owed + math.min(price, most) * one
      local beyond = after - whole
      if beyond > 0 then after = owed end
      local left = math.floor((whole - after) / one)
      return left, math.ceil(after / 1000), math.max(0, math.ceil(beyond / 1000)), string.format('%.0f %.0f', now, after)
    end
  }
end

local function window(field, most, period, part)
  local marks, used, ahead = {}, 0, 0
  for last, calls in string.gmatch(field or '', '(%d+) (%d+)') do
    last, calls = tonumber(last), tonumber(calls)
    if last + period > now then
      used = used + calls
      if last > now then ahead = ahead + calls else marks[#marks + 1] = { last, calls } end
    end
  end
  if ahead > 0 then marks[#marks + 1] = { now, ahead } end
  return {
    look = function(price)
      price = math.min(price, most)
      local newest, text, beyond = marks[#marks], {}, used + price - most
      local reset = newest and newest[1] + period - now or 0
      if beyond > 0 then
        local back, wait = 0, reset
        for _, mark in ipairs(marks) do
          back = back + mark[2]
          if back >= beyond then
            wait = mark[1] + period - now
            break
          end
        end
        return most - math.min(used, most), reset, wait, ''
      end
      for i, mark in ipairs(marks) do text[i] = string.format('%.0f %.0f', mark[1], mark[2]) end
      if price > 0 then
        reset = period
        if newest and math.floor(newest[1] / part) == math.floor(now / part) then
          text[#text] = string.format('%.0f %.0f', now, newest[2] + price)
        else
          text[#text + 1] = string.format('%.0f %.0f', now, price)
        end
      end
      return most - used - price, reset, 0, table.concat(text, ' ')
    end
  }
end

local refused = false
for i = 1, count do
  local at = i * 4 - 2
  local make = ARGV[at] == 'bucket' and bucket or window
  states[i] = make(kept[i], tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3]))
  local _, _, wait = states[i].look(cost)
  refused = refused or wait > 0
end

local answer, writes, longest = {}, {}, 0
for i = 1, count do
  local left, reset, wait, text = states[i].look(cost)
  if refused and wait == 0 then left, reset = states[i].look(0) end
  answer[i] = { left, reset, wait }
  writes[#writes + 1] = tostring(i)
  writes[#writes + 1] = text
  longest = math.max(longest, reset)
end
if cost > 0 and not refused then
  redis.call('HSET', KEYS[1], unpack(writes))
  redis.call('PEXPIRE', KEYS[1], string.format('%.0f', math.ceil(longest / 1000) + 1))
end
return answer
";
