//! What the policy says of the proxy's own certificates and their staples.

use crate::trust::glob::Glob;

/// Where to look at the proxy's own TLS, how often, and what is demanded.
#[derive(Clone, Debug)]
pub struct PostureDemands {
    /// The Envoy cluster that leads to the admin interface.
    pub cluster: Box<str>,
    /// The authority of the requests.
    pub authority: Box<str>,
    /// Seconds from one look to the next.
    pub interval_seconds: u32,
    /// Milliseconds before a request is given up.
    pub timeout_ms: u32,
    /// What is demanded of staples.
    pub staples: Staples,
    /// Certificates of which the other is demanded.
    pub staple_exceptions: Vec<StapleException>,
    /// A staple with less than this many seconds left is told of.
    pub staple_warning_seconds: i64,
}

/// Whether a certificate must carry an OCSP staple.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Staples {
    /// It must.
    Required,
    /// It may; one that is there must be good.
    Optional,
}

impl Staples {
    const fn other(self) -> Self {
        match self {
            Self::Required => Self::Optional,
            Self::Optional => Self::Required,
        }
    }
}

/// Certificates that are excepted: all lists that are given must fit, and a list
/// fits when one of its patterns does.
#[derive(Clone, Debug)]
pub struct StapleException {
    /// Patterns of subject alternative names, in lower case.
    pub names: Vec<Glob>,
    /// Patterns of the files that certificates come from.
    pub paths: Vec<Glob>,
}

impl PostureDemands {
    /// What is demanded of the certificate from this file with these names.
    pub fn staples_of(&self, path: &str, names: &[Box<str>]) -> Staples {
        let excepted = self.staple_exceptions.iter().any(|e| e.fits(path, names));
        if excepted {
            self.staples.other()
        } else {
            self.staples
        }
    }
}

impl StapleException {
    fn fits(&self, path: &str, names: &[Box<str>]) -> bool {
        let names_fit = || {
            names.iter().any(|name| {
                let name = name.to_ascii_lowercase();
                self.names.iter().any(|pattern| pattern.matches(&name))
            })
        };
        (self.names.is_empty() || names_fit())
            && (self.paths.is_empty() || self.paths.iter().any(|p| p.matches(path)))
    }
}
