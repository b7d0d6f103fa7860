//! Rounds, medians, and the processor time that was used.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use rustix::time::{ClockId, clock_gettime};

/// The median of some samples with the lowest and the highest.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

impl Spread {
    /// Of at least one sample; without any, everything is zero.
    pub(crate) fn of(samples: impl IntoIterator<Item = f64>) -> Self {
        let mut sorted: Vec<f64> = samples.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        let at = |index: usize| sorted.get(index).copied().unwrap_or(0.0);
        let last = sorted.len().saturating_sub(1);
        Self {
            median: f64::midpoint(at(last / 2), at(last.div_ceil(2))),
            low: at(0),
            high: at(last),
        }
    }

    /// The ratios of samples that were taken in the same rounds.
    pub(crate) fn of_ratios(of: &[f64], to: &[f64]) -> Self {
        Self::of(of.iter().zip(to).map(|(of, to)| of / to))
    }
}

/// One side of a comparison: measures for about the given time and answers a sample.
pub(crate) type Side<'s, T> = Box<dyn FnMut(Duration) -> Result<T> + 's>;

/// Measures all sides in turns: one warm-up that isn't counted, then `rounds` rounds, every other one backwards, so
/// that whatever drifts meets all sides alike. Answers each side's samples.
pub(crate) fn in_turns<T>(rounds: usize, span: Duration, sides: &mut [Side<'_, T>]) -> Result<Vec<Vec<T>>> {
    let mut samples: Vec<Vec<T>> = sides.iter().map(|_| Vec::with_capacity(rounds)).collect();
    for side in sides.iter_mut() {
        side(span / 3)?;
    }
    for round in 0..rounds {
        let mut turn: Vec<_> = sides.iter_mut().zip(&mut samples).collect();
        if round % 2 == 1 {
            turn.reverse();
        }
        for (side, samples) in turn {
            samples.push(side(span)?);
        }
    }
    Ok(samples)
}

/// A span of wall time and the processor time that was used in it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stopwatch {
    wall: Instant,
    processor: Duration,
}

impl Stopwatch {
    /// Starts it, with the time of all threads of this process, user and system.
    pub(crate) fn of_process() -> Self {
        Self {
            wall: Instant::now(),
            processor: read(ClockId::ProcessCPUTime),
        }
    }

    /// The processor time the calling thread has used so far.
    pub(crate) fn processor_of_this_thread() -> Duration {
        read(ClockId::ThreadCPUTime)
    }

    pub(crate) fn wall(&self) -> Duration {
        self.wall.elapsed()
    }

    pub(crate) fn processor(&self) -> Duration {
        read(ClockId::ProcessCPUTime).saturating_sub(self.processor)
    }
}

/// How many pages of a database this process asked the system to read and write, by the bytes of its system calls: what is
/// mapped into memory isn't among them, and what a checkpoint moves is counted as read and as written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pages {
    pub(crate) read: f64,
    pub(crate) written: f64,
}

impl Pages {
    /// Since the process began.
    pub(crate) fn so_far() -> Result<Self> {
        Self::of(&std::fs::read_to_string("/proc/self/io")?)
    }

    pub(crate) fn since(self, before: Self) -> Self {
        Self {
            read: self.read - before.read,
            written: self.written - before.written,
        }
    }

    fn of(text: &str) -> Result<Self> {
        let bytes = |name: &str| -> Result<f64> {
            let line = text.lines().find_map(|line| line.strip_prefix(name));
            let number = line.context("the system doesn't count what is read and written")?;
            Ok(number.trim().parse()?)
        };
        Ok(Self {
            read: bytes("rchar:")? / PAGE,
            written: bytes("wchar:")? / PAGE,
        })
    }
}

/// The size of a page of SQLite, in bytes.
const PAGE: f64 = 4_096.0;

fn read(clock: ClockId) -> Duration {
    let time = clock_gettime(clock);
    Duration::new(
        u64::try_from(time.tv_sec).unwrap_or(0),
        u32::try_from(time.tv_nsec).unwrap_or(0),
    )
}

/// Choices that repeat from run to run.
#[derive(Debug, Clone)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    /// A number below `bound`. Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators" (2014).
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) as usize % bound.max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_is_the_middle_of_odd_and_even_counts() {
        for (samples, median, low, high) in [
            (vec![], 0.0, 0.0, 0.0),
            (vec![3.0], 3.0, 3.0, 3.0),
            (vec![9.0, 1.0], 5.0, 1.0, 9.0),
            (vec![9.0, 1.0, 2.0], 2.0, 1.0, 9.0),
            (vec![4.0, 1.0, 2.0, 100.0], 3.0, 1.0, 100.0),
        ] {
            let spread = Spread::of(samples.clone());
            assert_eq!(
                (spread.median, spread.low, spread.high),
                (median, low, high),
                "{samples:?}"
            );
        }
    }

    #[test]
    fn pages_are_read_from_what_the_system_counts() {
        let text = "rchar: 8192\nwchar: 2048\nsyscr: 7\n";
        let pages = Pages::of(text).unwrap();
        assert_eq!((pages.read, pages.written), (2.0, 0.5));
        assert!(Pages::of("rchar: 1\n").is_err());
        let none = pages.since(pages);
        assert_eq!((none.read, none.written), (0.0, 0.0));
    }

    #[test]
    fn every_side_is_measured_in_every_round_and_the_order_turns() {
        let order = std::cell::RefCell::new(Vec::new());
        let side = |name: char| -> Side<'_, char> {
            let order = &order;
            Box::new(move |_| {
                order.borrow_mut().push(name);
                Ok(name)
            })
        };
        let samples = in_turns(3, Duration::ZERO, &mut [side('a'), side('b')]).unwrap();
        assert_eq!(samples, [vec!['a'; 3], vec!['b'; 3]]);
        assert_eq!(order.into_inner(), ['a', 'b', 'a', 'b', 'b', 'a', 'a', 'b']);
    }
}
