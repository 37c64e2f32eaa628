//! TCP: the role `network` judges both hops, `log` tells of what failed.

mod case;
mod cases;
mod command;
mod listener;
mod redises;
mod scene;
mod server;
mod talk;

pub use self::cases::cases;
pub use self::scene::Scene;
