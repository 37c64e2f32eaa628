//! Certificates behind each other: a peer's first, then some that a policy could have. Is the
//! first one trusted?

use hopguard::trust::{
    Certificate, Instant, KeyRequirements, SignatureVerifier, TrustError, TrustStore, TrustedBy,
    Usage, VerifiedChain, verify,
};

use super::der;
use super::verifier::Gullible;
use super::world::{World, world};

/// More make an input slower, and no other.
const MAX: usize = 8;

pub fn fuzz_target(data: &[u8]) {
    let mut all = der::values(data);
    all.truncate(MAX);
    let Some((&first, others)) = all.split_first() else {
        return;
    };
    let Ok(leaf) = Certificate::parse(first) else {
        return;
    };
    let stores = [
        World::store(world().at, others).build(),
        own_anchors(others),
    ];
    let stores = [&world().store].into_iter().chain(stores.iter().flatten());
    for store in stores {
        for usage in [Usage::Server, Usage::Client] {
            nobody_else_is_trusted(&leaf, store, usage);
            if let Ok(chain) = judge(&leaf, store, usage, world().at, &Gullible) {
                is_a_chain(&leaf, &chain, store);
                lasts(&leaf, &chain, store, usage);
            }
        }
    }
    a_pin_is_for_one(&leaf);
}

/// A store of which everything is the input's.
fn own_anchors(others: &[&[u8]]) -> Result<TrustStore, hopguard::trust::StoreError> {
    let store = TrustStore::builder(world().at.now);
    let (anchors, intermediates) = others.split_at(others.len().div_ceil(2));
    let store = anchors
        .iter()
        .fold(store, |all, der| all.ca_certificate(*der));
    let all = intermediates.iter();
    all.fold(store, |all, der| all.intermediate(*der)).build()
}

fn judge(
    leaf: &Certificate,
    store: &TrustStore,
    usage: Usage,
    at: Instant,
    verifier: &dyn SignatureVerifier,
) -> Result<VerifiedChain, TrustError> {
    verify(
        leaf,
        store,
        usage,
        at,
        &KeyRequirements::default(),
        verifier,
    )
}

/// Nobody but the issuer issues, and not one bit of what it issued can be changed.
fn nobody_else_is_trusted(leaf: &Certificate, store: &TrustStore, usage: Usage) {
    match judge(leaf, store, usage, world().at, &world().taught) {
        Ok(_) => {
            let mut issued = world().issued.iter();
            assert!(issued.any(|(known, its)| known == leaf && *its == usage));
        }
        Err(error) => assert!(error.to_string().len() < 4_096, "{error}"),
    }
}

fn is_a_chain(leaf: &Certificate, chain: &VerifiedChain, store: &TrustStore) {
    assert_eq!(chain.trusted_by(), TrustedBy::Path);
    let anchor = chain.anchor().unwrap();
    assert!(store.anchors().any(|known| known == anchor));
    let path = chain.intermediates().iter().map(AsRef::as_ref);
    let mut below = leaf;
    for issuer in path.chain([anchor]) {
        assert_eq!(below.issuer_der(), issuer.subject_der());
        assert!(issuer.is_ca());
        below = issuer;
    }
    assert!(!leaf.is_ca());
    assert!(leaf.extensions().unknown_critical.is_empty());
}

/// The verdict holds to its last second, and not after.
fn lasts(leaf: &Certificate, chain: &VerifiedChain, store: &TrustStore, usage: Usage) {
    let at = |now| Instant { now, ..world().at };
    let end = chain.changes_at();
    assert!(end > world().at.now);
    judge(leaf, store, usage, at(end - 1), &Gullible).unwrap();
    // By another path, if at all.
    if let Ok(other) = judge(leaf, store, usage, at(end), &Gullible) {
        assert!(other.changes_at() > end);
    }
}

fn a_pin_is_for_one(leaf: &Certificate) {
    let pinned = &world().pinned;
    let by_certificate = TrustStore::builder(world().at.now).pinned_certificate(pinned.der());
    let by_key =
        TrustStore::builder(world().at.now).pinned_public_key_sha256(*pinned.spki_sha256());
    let trusted =
        |store: &TrustStore| judge(leaf, store, Usage::Server, world().at, &Gullible).is_ok();
    assert!(!trusted(&by_certificate.build().unwrap()) || leaf == pinned);
    assert!(!trusted(&by_key.build().unwrap()) || leaf.spki() == pinned.spki());
}
