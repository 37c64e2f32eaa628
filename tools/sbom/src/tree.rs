//! What is linked into the module, as `cargo tree --prefix depth` prints it.

use std::collections::{BTreeMap, BTreeSet};

/// The crate, its licence, its repository.
pub const FORMAT: &str = "\t{p}\t{l}\t{r}";
/// Behind a crate whose dependencies were printed before.
const SEEN: &str = " (*)";

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Id {
    pub name: String,
    pub version: String,
}

#[derive(Debug, Default)]
pub struct Package {
    /// An SPDX expression; empty where the crate gives none.
    pub license: String,
    /// A URL; empty where the crate gives none.
    pub repository: String,
    pub dependencies: BTreeSet<Id>,
}

#[derive(Debug)]
pub struct Tree {
    pub root: Id,
    /// The root, too.
    pub packages: BTreeMap<Id, Package>,
}

impl Tree {
    /// # Errors
    /// A line has another form.
    pub fn parse(text: &str) -> Result<Self, String> {
        // From the root to the crate of the last line.
        let mut path: Vec<Id> = Vec::new();
        let mut packages: BTreeMap<Id, Package> = BTreeMap::new();
        for line in text.lines() {
            let strange = || format!("cargo tree prints {line:?}");
            let (depth, id, package) = parse_line(line).ok_or_else(strange)?;
            if depth > path.len() || depth == 0 && !path.is_empty() {
                return Err(strange());
            }
            path.truncate(depth);
            if let Some(parent) = path.last().and_then(|parent| packages.get_mut(parent)) {
                parent.dependencies.insert(id.clone());
            }
            packages.entry(id.clone()).or_insert(package);
            path.push(id);
        }
        let root = path.into_iter().next().ok_or("cargo tree prints nothing")?;
        Ok(Self { root, packages })
    }
}

fn parse_line(line: &str) -> Option<(usize, Id, Package)> {
    let line = line.strip_suffix(SEEN).unwrap_or(line);
    let mut fields = line.split('\t');
    let (depth, package) = (fields.next()?, fields.next()?);
    let (license, repository) = (fields.next()?, fields.next()?);
    // Such as `der v0.8.3`; behind it, a path or `(proc-macro)`.
    let mut words = package.split(' ');
    let (name, version) = (words.next()?, words.next()?.strip_prefix('v')?);
    let id = Id {
        name: name.to_owned(),
        version: version.to_owned(),
    };
    let package = Package {
        // cargo took a slash for OR once, and old crates still have it.
        license: license.replace('/', " OR "),
        repository: repository.to_owned(),
        dependencies: BTreeSet::new(),
    };
    Some((depth.parse().ok()?, id, package))
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::indexing_slicing,
        reason = "a test that fails may panic"
    )]

    use super::*;

    fn id(name: &str, version: &str) -> Id {
        Id {
            name: name.into(),
            version: version.into(),
        }
    }

    #[test]
    fn every_edge_is_kept_once() {
        let text = "0\troot v1.0.0 (/somewhere)\tApache-2.0\t\n\
                    1\ta v0.1.0\tMIT/Apache-2.0\thttps://git.example.com/a\n\
                    2\tb v2.0.0\t\t\n\
                    1\tb v2.0.0\t\t (*)\n\
                    1\tb v1.0.0\tMIT\t\n";
        let tree = Tree::parse(text).unwrap();
        assert_eq!(tree.root, id("root", "1.0.0"));
        let of = |id: &Id| Vec::from_iter(&tree.packages[id].dependencies);
        let (a, b1, b2) = (id("a", "0.1.0"), id("b", "1.0.0"), id("b", "2.0.0"));
        assert_eq!(of(&tree.root), [&a, &b1, &b2]);
        assert_eq!(of(&a), [&b2]);
        assert!(of(&b1).is_empty() && of(&b2).is_empty());
        let package = &tree.packages[&a];
        assert_eq!(package.license, "MIT OR Apache-2.0");
        assert_eq!(package.repository, "https://git.example.com/a");
    }

    #[test]
    fn other_forms_are_refused() {
        for text in [
            "",
            "root v1.0.0",
            "0\troot\t\t",
            "1\troot v1.0.0\t\t",
            "0\troot v1.0.0\t\t\n2\ta v1.0.0\t\t",
            "0\troot v1.0.0\t\t\n0\ta v1.0.0\t\t",
        ] {
            assert!(Tree::parse(text).is_err(), "{text:?}");
        }
    }
}
