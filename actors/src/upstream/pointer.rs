//! Tables by the address of a thing that the table's values keep alive. Keys are addresses of our own allocations, which no
//! peer and no user chooses, so nothing is needed against keys made to collide.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

pub(super) type PointerMap<T, V> = HashMap<*const T, V, BuildHasherDefault<PointerHasher>>;

/// One multiplication a key.
#[derive(Debug, Default)]
pub(super) struct PointerHasher(u64);

impl Hasher for PointerHasher {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_usize(usize::from(*byte));
        }
    }

    fn write_usize(&mut self, address: usize) {
        // The golden ratio spreads addresses over the upper bits (Knuth, volume 3, section 6.4); the table looks at the
        // lowest and at the uppermost ones.
        let spread = (self.0 ^ address as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = spread ^ (spread >> 32);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::hash::{BuildHasher as _, BuildHasherDefault};

    use super::PointerHasher;

    #[test]
    fn neighbours_fall_into_different_places() {
        let hash = |address: usize| BuildHasherDefault::<PointerHasher>::default().hash_one(address as *const u8);
        for stride in [8, 16, 64, 4096] {
            let lowest = (0..128).map(|step| hash(0x7f00_dead_0000 + step * stride) & 127).collect::<HashSet<_>>();
            assert!(lowest.len() > 48, "{stride}: {} of 128 places", lowest.len());
            let uppermost = (0..128).map(|step| hash(0x7f00_dead_0000 + step * stride) >> 57).collect::<HashSet<_>>();
            assert!(uppermost.len() > 48, "{stride}: {} of 128 tags", uppermost.len());
        }
    }
}
