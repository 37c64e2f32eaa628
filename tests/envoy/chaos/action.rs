//! What changes in a step.

use super::model::{CLASSES, Class, PLAINTEXT, PolicyKind, Role};

/// What a responder does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answers {
    Good,
    /// Bytes that are no OCSP.
    Garbage,
    /// HTTP 500.
    Failure,
    /// The connection is reset.
    Reset,
}

/// What changes in a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Nothing,
    /// Another server answers here, and all its connections are cut.
    Switch(usize, Class),
    /// A new certificate for [`Class::Asked`], and its connections are cut.
    Rotate,
    Respond(Answers),
    Policy(Role, PolicyKind),
    /// A policy that is refused.
    Break(Role),
    /// Envoy asks its clients to go.
    Drain,
    Restart,
}

/// Every so many steps Envoy is hot-restarted.
const RESTART_EACH: u64 = 25;

impl Action {
    pub fn choose(random: &mut fastrand::Rng, step: u64) -> Self {
        if step % RESTART_EACH == RESTART_EACH / 2 {
            return Self::Restart;
        }
        let role = [Role::Downstream, Role::Upstream, Role::Network][random.usize(..3)];
        match random.u8(..100) {
            0..10 => Self::Nothing,
            10..50 => {
                // What is good is more often there than each of the others.
                let class = match random.u8(..100) {
                    0..35 => Class::Good,
                    35..50 => Class::Asked,
                    _ => CLASSES[random.usize(..CLASSES.len())],
                };
                let index = random.usize(..4);
                let class = match index {
                    PLAINTEXT if random.bool() => Class::Plaintext,
                    PLAINTEXT => Class::Nobody,
                    _ => class,
                };
                Self::Switch(index, class)
            }
            50..58 => Self::Rotate,
            58..68 => {
                let answers = [
                    Answers::Good,
                    Answers::Garbage,
                    Answers::Failure,
                    Answers::Reset,
                ];
                Self::Respond(answers[random.usize(..4)])
            }
            68..88 => {
                let kind = match random.u8(..8) {
                    0..5 => PolicyKind::Strict,
                    5 => PolicyKind::SecondName,
                    6 => PolicyKind::Waived,
                    _ => PolicyKind::Report,
                };
                Self::Policy(role, kind)
            }
            88..94 => Self::Break(role),
            _ => Self::Drain,
        }
    }
}
