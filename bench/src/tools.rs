//! The programs that must be there, and what they and the machine are.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail, ensure};

/// What is run, and the Debian package that has it.
const PROGRAMS: [(&str, &str); 6] = [
    ("nginx", "nginx"),
    ("haproxy", "haproxy"),
    ("wrk", "wrk"),
    ("h2load", "nghttp2-client"),
    ("taskset", "util-linux"),
    ("setpriv", "util-linux"),
];

/// The search path, with the folders of servers, which Debian does not give to every user.
pub(crate) fn path() -> OsString {
    let mut path = std::env::var_os("PATH").unwrap_or_default();
    path.push(":/usr/sbin:/sbin");
    path
}

fn is_installed(program: &str) -> bool {
    std::env::split_paths(&path()).any(|folder| folder.join(program).is_file())
}

/// An error that names every missing package.
pub(crate) fn check(with_perf: bool) -> anyhow::Result<()> {
    let perf = with_perf.then_some(("perf", "linux-perf"));
    let missing = PROGRAMS.into_iter().chain(perf).filter(|(program, _)| !is_installed(program));
    let packages: Vec<_> = missing.map(|(_, package)| package).collect();
    ensure!(packages.is_empty(), "missing; try: apt-get install {}", packages.join(" "));
    Ok(())
}

/// Builds the release binary of Postern beside this program's own target folder.
pub(crate) fn build_postern() -> anyhow::Result<PathBuf> {
    let workspace = workspace();
    let here = std::env::current_exe()?;
    let target = here.parent().and_then(Path::parent).context("this program is in no target folder")?;
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["build", "--release", "--package", "postern", "--bin", "postern"]);
    command.arg("--manifest-path").arg(workspace.join("Cargo.toml")).arg("--target-dir").arg(target);
    let status = command.status().context("cargo build")?;
    ensure!(status.success(), "cargo build failed ({status})");
    Ok(target.join("release/postern"))
}

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Who took part, one line each: the programs, the processor and the kernel.
pub(crate) fn versions(postern: &Path, built_here: bool) -> anyhow::Result<Vec<String>> {
    let mut lines = vec![first_line("nginx", &["-v"])?, first_line("haproxy", &["-v"])?];
    let mut own = first_line(&postern.to_string_lossy(), &["--version"])?;
    if built_here && let Some(revision) = revision() {
        own = format!("{own} ({revision})");
    }
    lines.push(own);
    lines.extend([first_line("wrk", &["-v"])?, first_line("h2load", &["--version"])?]);
    let processor = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    lines.push(format!("{}, Linux {}", model(&processor).unwrap_or("an unnamed processor"), kernel.trim()));
    Ok(lines)
}

/// What a program says first, on standard output or standard error. Some tell their version with an exit code of 1.
fn first_line(program: &str, arguments: &[&str]) -> anyhow::Result<String> {
    let mut command = Command::new("env");
    let output = command.env("PATH", path()).arg(program).args(arguments).output().context(program.to_owned())?;
    let text = [output.stdout, output.stderr].concat();
    match String::from_utf8_lossy(&text).lines().next() {
        Some(line) if !line.trim().is_empty() => Ok(line.trim().to_owned()),
        _ => bail!("{program} does not tell its version"),
    }
}

fn revision() -> Option<String> {
    let mut git = Command::new("git");
    let output = git.arg("-C").arg(workspace()).args(["describe", "--always", "--dirty"]).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn model(cpuinfo: &str) -> Option<&str> {
    cpuinfo.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':')).map(|(_, model)| model.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_processor_is_named() {
        assert_eq!(model("processor\t: 0\nmodel name\t: AMD EPYC\nflags: x\n"), Some("AMD EPYC"));
        assert_eq!(model(""), None);
    }

    #[test]
    fn programs_are_looked_for_in_the_search_path() {
        assert!(is_installed("sh"));
        assert!(!is_installed("no-such-program-anywhere"));
    }
}
