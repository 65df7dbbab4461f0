//! Many routes: a hundred to a host, told apart by their paths. All three proxies get the same ones, and all of them lead
//! to the same backend.

use std::fmt::Write as _;

use crate::certificates::FRONT;

const PATHS_OF_A_HOST: usize = 100;
/// Neighbours in the sequence of requests are no neighbours in the tables. Prime, so that every route is asked for.
const STRIDE: usize = 7919;

/// The hosts, each with the range of its routes.
pub(crate) fn hosts(routes: usize) -> impl Iterator<Item = (String, std::ops::Range<usize>)> {
    (0..routes.div_ceil(PATHS_OF_A_HOST)).map(move |host| {
        let first = host * PATHS_OF_A_HOST;
        (name(host), first..routes.min(first + PATHS_OF_A_HOST))
    })
}

/// The host of a route.
pub(crate) fn host(route: usize) -> String {
    name(route / PATHS_OF_A_HOST)
}

/// The path that a route begins with.
pub(crate) fn path(route: usize) -> String {
    format!("/r{route:05}")
}

fn name(host: usize) -> String {
    format!("h{host:03}.{FRONT}")
}

/// Host and path of a request for 1 KiB through this of so many routes; where there is one, it takes any host and path.
pub(crate) fn request(routes: usize, route: usize) -> (String, String) {
    if routes == 1 { (FRONT.to_owned(), "/1k".to_owned()) } else { (host(route), path(route) + "/1k") }
}

/// A script for wrk that asks for 1 KiB through so many routes, one after the other.
pub(crate) fn wrk_script(routes: usize) -> String {
    let mut script = format!("local count, at, requests = {routes}, 0, {{}}\ninit = function(args)\n");
    let _ = writeln!(
        script,
        "  for route = 0, count - 1 do\n    local host = string.format('h%03d.{FRONT}', math.floor(route / {PATHS_OF_A_HOST}))\n    \
         requests[route] = wrk.format('GET', string.format('/r%05d/1k', route), {{ Host = host }})\n  end\nend"
    );
    let _ = writeln!(script, "request = function()\n  at = (at + {STRIDE}) % count\n  return requests[at]\nend");
    script
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_has_one_host() {
        let hosts: Vec<_> = hosts(250).collect();
        assert_eq!(hosts.iter().map(|(_, routes)| routes.clone()).collect::<Vec<_>>(), [0..100, 100..200, 200..250]);
        assert!(hosts.iter().all(|(name, routes)| routes.clone().all(|route| host(route) == *name)));
    }

    #[test]
    fn the_stride_reaches_every_route() {
        for count in [1, 10, 10_000] {
            let reached: std::collections::BTreeSet<_> = (0..count).map(|step| step * STRIDE % count).collect();
            assert_eq!(reached.len(), count);
        }
    }
}
