//! Memory that all workers of a process share, as much of it as is needed here.

/// Values by key, each with a version. Keys and values are bounded by whoever
/// writes them.
pub trait SharedData {
    /// A value and its version; `None` where nobody put one there.
    fn get(&self, key: &str) -> Option<(Vec<u8>, u32)>;
    /// Puts a value there, if it still has this version (0: whatever version).
    /// `false` where it has not.
    fn set(&self, key: &str, value: &[u8], version: u32) -> bool;
}

/// Where nothing is shared.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unshared;

impl SharedData for Unshared {
    fn get(&self, _: &str) -> Option<(Vec<u8>, u32)> {
        None
    }

    fn set(&self, _: &str, _: &[u8], _: u32) -> bool {
        false
    }
}
