//! HTTP: the roles `downstream` and `upstream` judge, `log` tells of what failed.

mod case;
mod cluster;
mod curl;
mod failing;
mod judged;
mod listener;
mod revoked;
mod running;
mod scene;
mod server;

use self::case::Case;
pub use self::scene::Scene;
use crate::pki::Certificates;

/// All cases, in the order of the table.
pub fn cases(certificates: &Certificates) -> Vec<Case> {
    [
        judged::clients(certificates),
        judged::servers(certificates),
        revoked::cases(certificates),
        failing::clients(),
        failing::servers(certificates),
    ]
    .into_iter()
    .flatten()
    .collect()
}
