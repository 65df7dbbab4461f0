//! What `/proc` tells of a process: CPU time and memory.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use anyhow::Context as _;

/// CPU time of each thread of a process so far, in nanoseconds, by thread.
#[derive(Debug)]
pub(crate) struct CpuTime(BTreeMap<u32, u64>);

impl CpuTime {
    /// User and system time from `/proc/PID/task/*/schedstat`, which the kernel counts to the nanosecond (`stat` has ticks
    /// of 10 ms).
    pub(crate) fn of(pid: u32) -> anyhow::Result<Self> {
        let mut threads = BTreeMap::new();
        for entry in fs::read_dir(format!("/proc/{pid}/task")).with_context(|| format!("the threads of {pid}"))? {
            let entry = entry?;
            let Some(thread) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
            // A thread may end while its siblings are read.
            let Ok(text) = fs::read_to_string(entry.path().join("schedstat")) else { continue };
            threads.insert(thread, parse_schedstat(&text).with_context(|| format!("schedstat of {pid}: {text:?}"))?);
        }
        anyhow::ensure!(!threads.is_empty(), "{pid} has no schedstat (the kernel needs CONFIG_SCHED_INFO)");
        Ok(Self(threads))
    }

    /// What the threads that are alive now have used since `earlier`.
    pub(crate) fn since(&self, earlier: &Self) -> Duration {
        let used = self.0.iter().map(|(thread, now)| now.saturating_sub(*earlier.0.get(thread).unwrap_or(&0))).sum();
        Duration::from_nanos(used)
    }
}

/// The first of three numbers: nanoseconds on a CPU.
fn parse_schedstat(text: &str) -> Option<u64> {
    text.split_ascii_whitespace().next()?.parse().ok()
}

/// Memory of a process, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Memory {
    /// Resident set: shared pages count whole.
    pub(crate) rss: u64,
    /// Proportional set: a shared page counts for its share.
    pub(crate) pss: u64,
}

impl Memory {
    /// Its memory now.
    pub(crate) fn of(pid: u32) -> anyhow::Result<Self> {
        let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).context("smaps_rollup")?;
        let field = |name| kilobytes(&rollup, name).with_context(|| format!("no {name} in smaps_rollup"));
        Ok(Self { rss: field("Rss:")?, pss: field("Pss:")? })
    }
}

/// Begins the peak of the resident set anew.
pub(crate) fn reset_peak(pid: u32) -> anyhow::Result<()> {
    fs::write(format!("/proc/{pid}/clear_refs"), "5").context("resetting the peak of the resident set")
}

/// The peak of the resident set since [`reset_peak`], in bytes.
pub(crate) fn peak(pid: u32) -> anyhow::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).context("status")?;
    kilobytes(&status, "VmHWM:").context("no VmHWM in status")
}

/// A line such as `VmHWM:     1234 kB`, in bytes.
fn kilobytes(text: &str, name: &str) -> Option<u64> {
    let value = text.lines().find_map(|line| line.strip_prefix(name))?;
    let number: u64 = value.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(number * 1024)
}

/// The children of a process.
pub(crate) fn children(parent: u32) -> anyhow::Result<Vec<u32>> {
    let mut children = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let entry = entry?;
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        let stat = fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        if self::parent(&stat) == Some(parent) {
            children.push(pid);
        }
    }
    Ok(children)
}

/// The fields of `/proc/PID/stat` after the name, which stands in parentheses and may itself hold any character.
fn after_name(stat: &str) -> impl Iterator<Item = &str> {
    stat.rfind(')').map_or("", |end| &stat[end + 1..]).split_ascii_whitespace()
}

/// One letter, `Z` for a process that has ended.
pub(crate) fn state(stat: &str) -> Option<char> {
    after_name(stat).next()?.chars().next()
}

fn parent(stat: &str) -> Option<u32> {
    after_name(stat).nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_on_a_cpu_is_the_first_number() {
        assert_eq!(parse_schedstat("711715 109613 2\n"), Some(711_715));
        assert_eq!(parse_schedstat(""), None);
    }

    #[test]
    fn threads_count_from_when_they_were_first_seen() {
        let earlier = CpuTime([(1, 100), (2, 50)].into());
        let later = CpuTime([(1, 170), (3, 5)].into());
        assert_eq!(later.since(&earlier), Duration::from_nanos(75));
    }

    #[test]
    fn memory_is_told_in_kilobytes() {
        let status = "Name:\tnginx\nVmHWM:\t    5432 kB\nVmRSS:\t    5000 kB\nThreads:\t1\n";
        assert_eq!(kilobytes(status, "VmHWM:"), Some(5432 * 1024));
        assert_eq!(kilobytes(status, "VmSwap:"), None);
        assert_eq!(kilobytes(status, "Threads:"), None);
    }

    #[test]
    fn a_name_with_parentheses_and_spaces_hides_nothing() {
        let stat = "4242 (nginx: (a) b) S 4241 4242 4240 0 -1 4194560 1 0 0 0 12 34";
        assert_eq!((state(stat), parent(stat)), (Some('S'), Some(4241)));
        assert_eq!((state(""), parent("12 (x")), (None, None));
    }

    #[test]
    fn this_process_uses_time_and_memory() {
        let me = std::process::id();
        let before = CpuTime::of(me).unwrap();
        let mut sum = 0_u64;
        while CpuTime::of(me).unwrap().since(&before).is_zero() {
            sum = std::hint::black_box(sum + 1);
        }
        let memory = Memory::of(me).unwrap();
        assert!(memory.pss > 0 && memory.rss >= memory.pss);
        assert!(peak(me).unwrap() > 0);
    }
}
