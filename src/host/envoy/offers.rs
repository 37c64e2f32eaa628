//! What this Envoy offers besides what every one does: looked for once in each VM.

use std::cell::OnceCell;
use std::rc::Rc;

use super::Envoy;
use super::shared::random;
use super::signatures::HostSignatures;
use super::wake;
use crate::host::{Host, Level};
use crate::trust::signature::{HostCheck, try_host};
use crate::trust::{NoHost, SignatureVerifier};

thread_local! {
    static CHECK: OnceCell<HostCheck> = const { OnceCell::new() };
}

fn check() -> HostCheck {
    CHECK.with(|check| *check.get_or_init(|| try_host(&HostSignatures)))
}

/// The way of checking signatures: the host's, unless it is known to lie.
pub fn verifier() -> Rc<dyn SignatureVerifier> {
    match check() {
        HostCheck::Sound | HostCheck::Absent => Rc::new(HostSignatures),
        HostCheck::Unsound => Rc::new(NoHost),
    }
}

/// What was found and what not, in a few words; a host that lies is warned of.
pub fn told(host: &Envoy) -> String {
    let check = check();
    if check == HostCheck::Unsound {
        let line = "hopguard: the host's verify_signature does not tell true from false; signatures are checked in WebAssembly";
        host.log(Level::Warn, line);
    }
    let offers = [
        ("verify_signature", check == HostCheck::Sound),
        ("random_get", random().is_some()),
        ("shared data", wake::has_number()),
    ];
    let list = |wanted| {
        let names = offers.iter().filter(|(_, is_there)| *is_there == wanted);
        names.map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
    };
    match (list(true), list(false)) {
        (found, missing) if missing.is_empty() => found,
        (found, missing) if found.is_empty() => format!("without {missing}"),
        (found, missing) => format!("{found}; without {missing}"),
    }
}
