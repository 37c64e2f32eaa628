//! The bodies of the fuzz targets (`fuzz/src`) over the committed corpus, each input as it is and
//! changed in ways that are the same every time: what fuzzing found once stays found, and no
//! target rots. `make fuzz` looks for more.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

#[path = "../../fuzz/src/lib.rs"]
mod bodies;
mod mutator;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use mutator::Mutator;

/// Changed inputs of each target, spread over its corpus.
const CHANGED: usize = 10_000;

macro_rules! replay {
    ($($target:ident),* $(,)?) => {
        $(
            #[test]
            fn $target() {
                replay(stringify!($target), bodies::$target::fuzz_target);
            }
        )*

        const REPLAYED: &[&str] = &[$(stringify!($target)),*];
    };
}

replay!(
    certificate,
    chain,
    client_hello,
    crl,
    failure,
    forwarded,
    glob,
    names,
    ocsp_response,
    policy,
    request,
    server_hello,
    sources,
    url,
);

fn replay(target: &str, body: fn(&[u8])) {
    let inputs = corpus(target);
    let inputs: Vec<&[u8]> = inputs.iter().map(Vec::as_slice).collect();
    assert!(!inputs.is_empty(), "no corpus for {target}");
    let check = |input: &[u8], what: &str| {
        let outcome = catch_unwind(AssertUnwindSafe(|| body(input)));
        assert!(outcome.is_ok(), "{target}: {what}: {input:x?}");
    };
    for input in &inputs {
        check(input, "committed");
    }
    check(&[], "nothing");
    let mut mutator = Mutator::new(target);
    for round in 0..CHANGED {
        let input = inputs[round % inputs.len()];
        check(&mutator.changed(input, &inputs), "changed");
    }
}

/// The inputs, in the order of their names.
fn corpus(target: &str) -> Vec<Vec<u8>> {
    let mut files: Vec<PathBuf> = entries(&folder().join("corpus").join(target)).collect();
    files.sort();
    files.iter().map(|file| fs::read(file).unwrap()).collect()
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz")
}

fn entries(folder: &Path) -> impl Iterator<Item = PathBuf> {
    let entries = fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().path())
}

#[test]
fn every_target_is_fuzzed_and_replayed() {
    let stems = |folder: PathBuf| -> BTreeSet<String> {
        let stem = |path: PathBuf| path.file_stem().unwrap().to_str().unwrap().to_owned();
        entries(&folder).map(stem).collect()
    };
    let replayed: BTreeSet<String> = REPLAYED.iter().map(ToString::to_string).collect();
    assert_eq!(stems(folder().join("fuzz_targets")), replayed);
    assert_eq!(stems(folder().join("corpus")), replayed);
    let manifest = fs::read_to_string(folder().join("Cargo.toml")).unwrap();
    for target in REPLAYED {
        assert!(manifest.contains(&format!("path = \"fuzz_targets/{target}.rs\"")));
        let main = folder().join(format!("fuzz_targets/{target}.rs"));
        let main = fs::read_to_string(main).unwrap();
        assert!(main.contains(&format!("hopguard_fuzz::{target}::fuzz_target(data)")));
    }
    // The corpus is for everyone who clones the repository.
    let inputs = REPLAYED.iter().flat_map(|target| corpus(target));
    assert!(inputs.map(|input| input.len()).sum::<usize>() < 1 << 20);
}

/// `fuzz` has a lock file of its own: what is fuzzed is what is built, all the same.
#[test]
fn the_dependencies_that_are_built_are_fuzzed() {
    let versions = |lock: &Path| -> BTreeMap<String, BTreeSet<String>> {
        let mut versions: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for package in fs::read_to_string(lock).unwrap().split("[[package]]") {
            let value = |key: &str| {
                let start = format!("{key} = ");
                let line = package.lines().find_map(|line| line.strip_prefix(&start));
                line.map(ToOwned::to_owned)
            };
            if let (Some(name), Some(version)) = (value("name"), value("version")) {
                versions.entry(name).or_default().insert(version);
            }
        }
        versions
    };
    let built = versions(&folder().join("../Cargo.lock"));
    let fuzzed = versions(&folder().join("Cargo.lock"));
    assert!(fuzzed.contains_key("\"hopguard\"") && fuzzed.len() > 20);
    for (name, versions) in fuzzed {
        if let Some(built) = built.get(&name) {
            assert!(
                versions.is_subset(built),
                "{name}: fuzzed is {versions:?}, built is {built:?}; `cargo update --manifest-path fuzz/Cargo.toml -p {name} --precise …`"
            );
        }
    }
}
