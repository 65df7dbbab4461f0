//! The bounded run of the fuzzing, on stable: seeds as they are, then mutated ones, the same in every run.
//!
//! `POSTERN_FUZZ_SECONDS` is how long each target goes on at the least (default: only the fixed number of inputs).
//! `POSTERN_FUZZ_SEED` is where its seeds begin (default 0).

use std::panic::catch_unwind;
use std::time::{Duration, Instant};

use postern_properties::TARGETS;
use postern_properties::mutation::mutate;

fn run(name: &str, inputs: u64) {
    let (_, check, seeds) = TARGETS.into_iter().find(|(other, ..)| *other == name).expect("a target");
    let seeds = seeds();
    for seed in &seeds {
        check(seed);
    }
    let number = |name: &str| std::env::var(name).ok().and_then(|value| value.parse::<u64>().ok());
    let until = Instant::now() + Duration::from_secs(number("POSTERN_FUZZ_SECONDS").unwrap_or(0));
    let first = number("POSTERN_FUZZ_SEED").unwrap_or(0);
    let mut done = 0;
    while done < inputs || Instant::now() < until {
        let input = mutate(&seeds, first + done);
        let holds = catch_unwind(|| check(&input)).is_ok();
        let seed = first + done;
        assert!(holds, "{name}: repeat with POSTERN_FUZZ_SEED={seed}\ninput: \"{}\"", input.escape_ascii());
        done += 1;
    }
    println!("{name}: {} seeds and {done} mutated inputs", seeds.len());
}

#[test]
fn requests() {
    run("requests", 10_000);
}

#[test]
fn responses() {
    run("responses", 10_000);
}

#[test]
fn pem() {
    run("pem", 300);
}

#[test]
fn objects() {
    run("objects", 300);
}
