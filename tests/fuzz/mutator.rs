//! Changes to inputs, the same in every run.

/// A generator of our own (xorshift64*, Vigna 2016), so that a failure comes back.
pub struct Mutator(u64);

/// Octets at which lengths, tags and signs turn.
const EDGES: [u8; 10] = [0, 1, 0x1f, 0x20, 0x30, 0x7f, 0x80, 0x81, 0xa0, 0xff];

impl Mutator {
    /// Seeded by a name (FNV-1a).
    pub fn new(name: &str) -> Self {
        let seed = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
        });
        Self(seed | 1)
    }

    /// The input with one to four changes; some are parts of the others.
    pub fn changed(&mut self, input: &[u8], others: &[&[u8]]) -> Vec<u8> {
        let mut changed = input.to_vec();
        for _ in 0..=self.below(4) {
            self.change(&mut changed, others);
        }
        changed
    }

    fn change(&mut self, bytes: &mut Vec<u8>, others: &[&[u8]]) {
        let at = self.below(bytes.len() + 1);
        let end = bytes.len().min(at + 1 + self.below(16));
        match self.below(8) {
            0 if at < end => bytes[at] ^= 1 << self.below(8),
            1 if at < end => bytes[at] = self.octet(),
            2 if at < end => bytes[at] = EDGES[self.below(EDGES.len())],
            3 => drop(bytes.drain(at..end)),
            4 => bytes.insert(at, self.octet()),
            5 => {
                let copy = bytes[at..end].to_vec();
                drop(bytes.splice(at..at, copy));
            }
            6 => bytes.truncate(at),
            _ => {
                let other = others[self.below(others.len())];
                let from = self.below(other.len() + 1);
                let to = other.len().min(from + self.below(64));
                drop(bytes.splice(at..end, other[from..to].iter().copied()));
            }
        }
    }

    fn octet(&mut self) -> u8 {
        self.next().to_be_bytes()[0]
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() >> 33).unwrap() % end
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }
}
