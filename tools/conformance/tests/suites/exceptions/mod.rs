//! Where our verdict is another than a suite expects, and why: one table a suite.
//! A case that is not named here must agree, and one that is must not.

mod limbo;
mod pkits;

pub use limbo::LIMBO;
pub use pkits::PKITS;

/// Cases that differ for one reason.
pub struct Exception {
    /// What a reviewer is told.
    pub reason: &'static str,
    /// Our code for each: `accepted`, `policy_refused` or a cause.
    pub code: &'static str,
    /// The ends of the cases' names.
    pub cases: &'static [&'static str],
}
