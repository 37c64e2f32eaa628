//! The decision engine as a WebAssembly component: the world of `wit/`, answered by
//! `hopguard-engine`. Nothing is decided here; types are turned into types.
//!
//! No call panics, whatever the host says: a component that has trapped is dead.

mod catalog;
mod facts;
mod policies;
mod told;

/// What `wit/` makes of itself in Rust.
#[allow(
    missing_docs,
    clippy::all,
    clippy::undocumented_unsafe_blocks,
    unsafe_op_in_unsafe_fn,
    reason = "generated"
)]
mod bindings {
    wit_bindgen::generate!({
        world: "decision-engine",
        path: "../wit",
        default_bindings_module: "crate::bindings",
    });

    export!(Engine);

    use crate::Engine;
}

/// Who answers the world's calls.
struct Engine;
