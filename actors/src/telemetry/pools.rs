//! How many connections a worker has to a backend, for the admin pages.

use std::ops::Add;

/// Connections by state, and their limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PoolLevels {
    /// An exchange is on them.
    pub active: u64,
    /// They wait for a request.
    pub idle: u64,
    /// They are being established.
    pub connecting: u64,
    /// How many there may be, to the endpoints that are known.
    pub limit: u64,
}

impl PoolLevels {
    /// Those that count against the limit.
    pub fn sum(self) -> u64 {
        self.active + self.idle + self.connecting
    }
}

impl Add for PoolLevels {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            active: self.active + other.active,
            idle: self.idle + other.idle,
            connecting: self.connecting + other.connecting,
            limit: self.limit + other.limit,
        }
    }
}
