//! Which core does what, and the limits that the processes of a run inherit.

use std::fs;

use anyhow::{Context as _, ensure};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::thread::{CpuSet, sched_setaffinity};

/// Numbers of cores, as `taskset -c` takes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cores {
    /// Where each proxy runs; only one of them has load at a time.
    pub(crate) proxy: usize,
    /// Where the backend runs.
    pub(crate) backend: usize,
    /// Where the load generator and this program run.
    pub(crate) load: usize,
}

impl Cores {
    /// The last of the allowed cores for the proxies, the first for the load, and a third for the backend where there is
    /// one; with two cores the backend shares that of the load. Whatever is asked for in the arguments wins.
    pub(crate) fn choose(
        allowed: &[usize],
        proxy: Option<usize>,
        backend: Option<usize>,
        load: Option<usize>,
    ) -> anyhow::Result<Self> {
        ensure!(allowed.len() >= 2, "two cores are needed: one for the proxies, one for the backend and the load");
        let proxy = proxy.unwrap_or(allowed[allowed.len() - 1]);
        let others: Vec<_> = allowed.iter().copied().filter(|core| *core != proxy).collect();
        let load = load.unwrap_or(others[0]);
        let backend = backend.unwrap_or_else(|| others.iter().copied().find(|core| *core != load).unwrap_or(load));
        for core in [proxy, backend, load] {
            ensure!(allowed.contains(&core), "core {core} is none of those that may be used: {allowed:?}");
        }
        ensure!(proxy != load && proxy != backend, "the proxies need a core of their own, not {proxy}");
        Ok(Self { proxy, backend, load })
    }
}

/// The cores that this process may use.
pub(crate) fn allowed() -> anyhow::Result<Vec<usize>> {
    let status = fs::read_to_string("/proc/self/status").context("/proc/self/status")?;
    let list =
        status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).context("no Cpus_allowed_list")?;
    parse_list(list.trim())
}

/// Reads `0-3,6`.
fn parse_list(list: &str) -> anyhow::Result<Vec<usize>> {
    let mut cores = Vec::new();
    for range in list.split(',') {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let number = |text: &str| text.parse::<usize>().with_context(|| format!("{list:?} is no list of cores"));
        cores.extend(number(first)?..=number(last)?);
    }
    Ok(cores)
}

/// Keeps this thread, and whatever it starts from now on, on one core.
pub(crate) fn stay_on(core: usize) -> anyhow::Result<()> {
    let mut set = CpuSet::new();
    set.set(core);
    sched_setaffinity(None, &set).with_context(|| format!("staying on core {core}"))
}

/// Lets this process, and whatever it starts from now on, have as many open files as the system allows; tells how many.
pub(crate) fn raise_open_files() -> anyhow::Result<u64> {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum })
        .context("raising the limit of open files")?;
    Ok(limit.maximum.unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_cores_is_read() {
        assert_eq!(parse_list("0-3,6").unwrap(), [0, 1, 2, 3, 6]);
        assert_eq!(parse_list("5").unwrap(), [5]);
        assert!(parse_list("a-b").is_err());
    }

    #[test]
    fn the_backend_has_a_core_of_its_own_where_there_are_three() {
        let choose = |allowed: &[usize]| Cores::choose(allowed, None, None, None);
        assert_eq!(choose(&[0, 1]).unwrap(), Cores { proxy: 1, backend: 0, load: 0 });
        assert_eq!(choose(&[0, 1, 2, 3]).unwrap(), Cores { proxy: 3, backend: 1, load: 0 });
        assert!(choose(&[0]).is_err());
    }

    #[test]
    fn the_proxies_share_their_core_with_nobody() {
        assert!(Cores::choose(&[0, 1], Some(0), None, Some(0)).is_err());
        assert!(Cores::choose(&[0, 1], Some(7), None, None).is_err());
        assert_eq!(Cores::choose(&[0, 1], Some(0), None, None).unwrap(), Cores { proxy: 0, backend: 1, load: 1 });
    }
}
