//! How much `unsafe` there is: the compiler refuses it outside of the host adapter
//! (`src/lib.rs`), and SECURITY.md says how much the adapter has.

use std::fs;
use std::path::Path;

/// Blocks that say `unsafe`, comments left out.
fn blocks(code: &str) -> usize {
    let lines = code.lines().map(|line| line.split("//").next().unwrap());
    lines.map(|line| line.matches("unsafe {").count()).sum()
}

#[test]
fn security_md_says_how_many_blocks_there_are() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = fs::read_dir(root.join("src/host/envoy")).unwrap();
    let count: usize = files
        .map(|file| blocks(&fs::read_to_string(file.unwrap().path()).unwrap()))
        .sum();
    let text = fs::read_to_string(root.join("SECURITY.md")).unwrap();
    let told = text
        .split_once(" blocks of `unsafe`")
        .and_then(|(before, _)| before.split_whitespace().last()?.parse::<usize>().ok());
    assert!(count > 0);
    assert_eq!(told, Some(count), "SECURITY.md, \"How it is built\"");
}

#[test]
fn the_compiler_refuses_it_elsewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let library = fs::read_to_string(root.join("src/lib.rs")).unwrap();
    assert!(library.contains("#![deny(unsafe_code)]"));
    let mut allowed = Vec::new();
    let mut folders = vec![root.join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let is_code = path.extension().is_some_and(|extension| extension == "rs");
            if is_code
                && fs::read_to_string(&path)
                    .unwrap()
                    .contains("allow(unsafe_code")
            {
                allowed.push(path.strip_prefix(root).unwrap().to_owned());
            }
        }
    }
    assert_eq!(allowed, [Path::new("src/host/envoy/mod.rs")]);
}
