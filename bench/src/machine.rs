//! What the figures were measured on.

use std::fs::read_to_string;

/// One line about processor, cores, load and kernel; what can't be read is left out.
pub(crate) fn describe() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut text = format!("{cores} cores");
    let facts = [
        ("/proc/cpuinfo", "model name", ':'),
        ("/proc/meminfo", "MemTotal", ':'),
    ];
    for (file, name, separator) in facts {
        if let Some(value) = field(file, name, separator) {
            text.push_str(", ");
            text.push_str(&value);
        }
    }
    if let Ok(kernel) = read_to_string("/proc/sys/kernel/osrelease") {
        text.push_str(", Linux ");
        text.push_str(kernel.trim());
    }
    format!("{text}; load before: {:.2}", load())
}

/// How many threads wanted to run in the last minute; zero where that can't be read.
pub(crate) fn load() -> f64 {
    let text = read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ')
        .next()
        .and_then(|load| load.parse().ok())
        .unwrap_or(0.0)
}

/// The resident memory of a process in MB (10⁶ bytes).
pub(crate) fn resident_mb(process: u32) -> Option<f64> {
    let text = field(&format!("/proc/{process}/status"), "VmRSS", ':')?;
    let kib: f64 = text.strip_suffix(" kB")?.trim().parse().ok()?;
    Some(kib * 1_024.0 / 1e6)
}

fn field(file: &str, name: &str, separator: char) -> Option<String> {
    let text = read_to_string(file).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(separator)?.1.trim().to_owned())
}
