//! A simple mutator of bytes, for the bounded run: the same seed always makes the same input. It knows nothing of coverage;
//! for that there is `cargo fuzz`.

/// Pieces that mean something to one parser or another.
const TOKENS: [&str; 44] = [
    "\r\n",
    "\n",
    "\r",
    "\0",
    " ",
    "\t",
    ":",
    ";",
    ",",
    "chunked",
    "identity",
    "Content-Length: ",
    "Transfer-Encoding: ",
    "Host: ",
    "Connection: ",
    "Upgrade: ",
    "Expect: ",
    "0\r\n\r\n",
    "HTTP/1.0",
    "HTTP/1.1",
    "GET / HTTP/1.1\r\n",
    "http://",
    "?",
    "#",
    "-----BEGIN CERTIFICATE-----\n",
    "-----END CERTIFICATE-----\n",
    "-----BEGIN PRIVATE KEY-----\n",
    "MIIB",
    "====",
    "---\n",
    "kind: ",
    "BackendTLSPolicy",
    "metadata:",
    "spec:",
    "targetRefs:",
    "name: ",
    "null",
    "- ",
    "{}",
    "[",
    "&a ",
    "*a",
    "!!str ",
    "\u{feff}",
];

/// A source of numbers (splitmix64).
#[derive(Debug)]
pub struct Numbers(u64);

impl Numbers {
    /// The same seed, the same numbers.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// One below `limit`, which is not 0.
    pub fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ mixed >> 31) as usize % limit
    }

    fn range(&mut self, length: usize, most: usize) -> std::ops::Range<usize> {
        let start = self.below(length + 1);
        start..(start + self.below(most) + 1).min(length)
    }
}

/// An input near one of the seeds.
pub fn mutate(seeds: &[Vec<u8>], seed: u64) -> Vec<u8> {
    let mut numbers = Numbers::new(seed);
    let mut input = seeds[numbers.below(seeds.len())].clone();
    for _ in 0..=numbers.below(4) {
        let at = numbers.below(input.len() + 1);
        match numbers.below(9) {
            0 if at < input.len() => input[at] ^= 1 << numbers.below(8),
            1 if at < input.len() => input[at] = numbers.below(256) as u8,
            2 => drop(input.drain(numbers.range(input.len(), 16))),
            3 => {
                let again = input[numbers.range(input.len(), 64)].to_vec();
                drop(input.splice(at..at, again));
            }
            4 => {
                let lines: Vec<_> = input.split_inclusive(|byte| *byte == b'\n').collect();
                let line = lines.get(numbers.below(lines.len() + 1)).map_or(Vec::new(), |line| line.to_vec());
                drop(input.splice(at..at, line));
            }
            5 => {
                let other = &seeds[numbers.below(seeds.len())];
                let piece = other[numbers.range(other.len(), 400)].to_vec();
                drop(input.splice(numbers.range(input.len(), 64), piece));
            }
            6 => {
                let range = numbers.range(input.len(), 4);
                drop(input.splice(range, TOKENS[numbers.below(TOKENS.len())].bytes()));
            }
            _ => drop(input.splice(at..at, TOKENS[numbers.below(TOKENS.len())].bytes())),
        }
    }
    input
}
