//! How large a list may be, and how much of it one step may do.

/// Bytes up to which the signature is checked in one go, by the host where it
/// can: in process this is a few milliseconds of SHA-256 in WebAssembly, and the
/// host saves 0.7 ms (RSA) to 7 ms (P-384) of the rest.
pub const ONE_GO: usize = 1 << 20;

/// Bytes of a list signed with Ed25519, which digests the message together with
/// the signature and in one go: 4 MiB took 16 to 38 ms in V8, so 2 MiB stay well
/// under 50.
pub const MAX_ED25519: usize = 2 << 20;

/// What a list may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of DER.
    pub bytes: usize,
    /// Entries.
    pub entries: usize,
}

impl Default for Limits {
    /// 64 MiB: a million entries with serial numbers of 20 octets and reasons
    /// take 53 MB, and Envoy 1.40 does not deliver 64 MiB in one answer. 2^20
    /// entries: a million is what loading was measured with; the table of so
    /// many takes 26 MiB, once in the process where it is fetched, and in each
    /// worker where the policy holds it.
    fn default() -> Self {
        Self {
            bytes: 64 << 20,
            entries: 1 << 20,
        }
    }
}

/// What one step may do. Each step does at least a little of it, and checks one
/// signature at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Bytes to digest.
    pub bytes: usize,
    /// Entries to read, or to move while sorting.
    pub entries: usize,
}

impl Default for Budget {
    /// Each takes about 2 ms in WebAssembly (V8: SHA-256 digests 240 MB/s, an
    /// entry is read in 60 ns, and read and sorted in 400).
    fn default() -> Self {
        Self {
            bytes: 512 << 10,
            entries: 4_096,
        }
    }
}

impl Budget {
    /// Everything in one step, for whoever may wait.
    pub const UNLIMITED: Self = Self {
        bytes: usize::MAX,
        entries: usize::MAX,
    };
}
