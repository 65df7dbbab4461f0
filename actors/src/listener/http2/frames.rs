//! The frames of one direction, told apart as their bytes go by (RFC 9113 section 4.1). Payloads are not looked at.

/// Bytes of a frame's header.
const HEADER: usize = 9;

/// The header of a frame, as far as anybody asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) kind: u8,
    pub(super) flags: u8,
    /// Bytes of payload.
    pub(super) length: usize,
}

impl Frame {
    /// DATA
    pub(super) const DATA: u8 = 0x0;
    /// RST_STREAM
    pub(super) const RESET: u8 = 0x3;

    /// Whether a part of a DATA frame's payload is padding.
    pub(super) fn is_padded(self) -> bool {
        self.flags & 0x8 != 0
    }
}

/// Where in the frames of a direction its bytes have arrived.
#[derive(Debug)]
pub(super) struct Frames {
    header: [u8; HEADER],
    have: usize,
    /// Bytes until the next header.
    skip: usize,
}

impl Frames {
    /// Before the first frame, which comes after `skip` bytes of something else.
    pub(super) fn after(skip: usize) -> Self {
        Self { header: [0; HEADER], have: 0, skip }
    }

    /// Goes on with `bytes`, and names each frame whose header ends in them.
    pub(super) fn feed(&mut self, mut bytes: &[u8], mut seen: impl FnMut(Frame)) {
        while !bytes.is_empty() {
            let skipped = self.skip.min(bytes.len());
            self.skip -= skipped;
            bytes = &bytes[skipped..];
            let taken = (HEADER - self.have).min(bytes.len());
            self.header[self.have..self.have + taken].copy_from_slice(&bytes[..taken]);
            self.have += taken;
            bytes = &bytes[taken..];
            if self.have == HEADER {
                let [high, middle, low, kind, flags, ..] = self.header;
                let length = usize::from(high) << 16 | usize::from(middle) << 8 | usize::from(low);
                (self.have, self.skip) = (0, length);
                seen(Frame { kind, flags, length });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_seen_however_their_bytes_come() {
        let mut bytes = b"PREFACE".to_vec();
        bytes.extend_from_slice(&[0, 0, 0, 4, 0, 0, 0, 0, 0]);
        bytes.extend_from_slice(&[0, 1, 2, 0, 9, 0, 0, 0, 1]);
        bytes.extend_from_slice(&[7; 258]);
        bytes.extend_from_slice(&[0, 0, 4, 3, 0, 0, 0, 0, 1, 0, 0, 0, 8]);
        let expected = [
            Frame { kind: 4, flags: 0, length: 0 },
            Frame { kind: Frame::DATA, flags: 9, length: 258 },
            Frame { kind: Frame::RESET, flags: 0, length: 4 },
        ];
        for size in [1, 2, 8, 9, 10, 17, bytes.len()] {
            let mut frames = Frames::after(7);
            let mut seen = Vec::new();
            for piece in bytes.chunks(size) {
                frames.feed(piece, |frame| seen.push(frame));
            }
            assert_eq!(seen, expected, "in pieces of {size}");
        }
    }
}
