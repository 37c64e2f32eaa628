//! What may come of a request, by what is true of the world: no line of it is
//! hopguard's.

use std::collections::BTreeSet;

use super::action::Action;

/// What answers at a server's address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// TLS, a certificate of the CA for the right name.
    Good,
    /// Another such server, whose certificate has a second name.
    Second,
    /// A certificate with an OCSP responder, which says good; it is rotated.
    Asked,
    /// One that the responder calls revoked.
    Revoked,
    /// One that ended yesterday.
    Expired,
    /// One of another CA.
    Stranger,
    /// One for another name.
    Misnamed,
    /// No TLS.
    Plaintext,
    /// Resets the connection after the ClientHello.
    Broken,
    /// Nobody.
    Nobody,
}

/// All of them.
pub const CLASSES: [Class; 10] = [
    Class::Good,
    Class::Second,
    Class::Asked,
    Class::Revoked,
    Class::Expired,
    Class::Stranger,
    Class::Misnamed,
    Class::Plaintext,
    Class::Broken,
    Class::Nobody,
];

/// Which way a request takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// To the one server of an HTTP cluster.
    One,
    /// To either of two; Envoy is configured to speak plaintext to the second.
    Mixed,
    /// To a cluster whose rule demands revocation.
    Revocation,
    /// TCP.
    Tcp,
}

/// The server that Envoy is configured to speak plaintext to.
pub const PLAINTEXT: usize = 1;

impl Way {
    /// The servers, as indices of [`State::servers`].
    pub const fn servers(self) -> &'static [usize] {
        match self {
            Self::One => &[0],
            Self::Mixed => &[0, PLAINTEXT],
            Self::Revocation => &[2],
            Self::Tcp => &[3],
        }
    }

    /// The name of the cluster, and the first segment of a path.
    pub const fn name(self) -> &'static str {
        match self {
            Self::One => "one",
            Self::Mixed => "mixed",
            Self::Revocation => "revocation",
            Self::Tcp => "tcp",
        }
    }
}

/// The certificate that a client shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientKind {
    Good,
    Without,
    Expired,
    Stranger,
}

/// The policy of a role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyKind {
    /// A client certificate; a server of the CA for its name.
    Strict,
    /// Of servers, only the one with the second name.
    SecondName,
    /// Of servers, all is waived that can be.
    Waived,
    /// Everything passes.
    Report,
}

/// The roles whose policies change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Downstream,
    Upstream,
    Network,
}

/// The world between two steps.
#[derive(Clone, Debug)]
pub struct State {
    /// What answers where.
    pub servers: [Class; 4],
    /// By role.
    pub policies: [PolicyKind; 3],
    /// Whether it is known to this Envoy that [`Class::Asked`]'s certificate is good.
    pub is_known: bool,
    /// Whether the responder has answered well for longer than any back-off.
    pub responder_is_trusted: bool,
}

/// What may come of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Expected {
    /// This server gets it, and its answer comes.
    Served(Class),
    /// hopguard denies, with this status and cause.
    Denied(u16, &'static str),
    /// Envoy found nobody.
    Unreachable,
    /// The connection to Envoy ends.
    Ended,
}

/// What may come of the requests of a step.
pub struct Causes {
    worlds: [State; 2],
    /// The servers whose connections are cut.
    cut: [bool; 4],
    ends: bool,
    /// Envoy and the certificates are what they were.
    is_same: bool,
}

impl Causes {
    pub fn new(before: &State, after: &State, action: &Action) -> Self {
        Self {
            cut: std::array::from_fn(|index| match action {
                Action::Switch(switched, _) => *switched == index,
                Action::Rotate => before.servers[index] == Class::Asked,
                _ => false,
            }),
            ends: matches!(action, Action::Restart | Action::Drain),
            is_same: !matches!(action, Action::Restart | Action::Rotate),
            worlds: [before.clone(), after.clone()],
        }
    }

    /// Whether what was served to [`Way::Revocation`] tells that its responder said
    /// good, to the Envoy that is there now, of the certificate that is there now.
    pub fn show_the_responders_word(&self) -> bool {
        let is_demanded = |state: &State| {
            matches!(
                state.policies[Role::Upstream as usize],
                PolicyKind::Strict | PolicyKind::SecondName
            )
        };
        self.is_same && self.worlds.iter().all(is_demanded)
    }

    /// All that may come of a request.
    pub fn of(&self, way: Way, client: ClientKind) -> BTreeSet<Expected> {
        let clients = self
            .worlds
            .each_ref()
            .map(|world| denied_client(way, client, world));
        let mut all: BTreeSet<_> = clients.into_iter().flatten().collect();
        // The verdicts of both sides may be of different moments.
        if clients.contains(&None) {
            for (policies, servers) in self
                .worlds
                .iter()
                .flat_map(|p| self.worlds.each_ref().map(|s| (p, s)))
            {
                for index in way.servers() {
                    let class = servers.servers[*index];
                    all.extend(self.of_server(way, *index, class, policies));
                }
            }
        }
        if way.servers().iter().any(|index| self.cut[*index]) {
            all.insert(Expected::Unreachable);
        }
        if self.ends {
            all.insert(Expected::Ended);
            all.insert(Expected::Unreachable);
        }
        all
    }

    /// What may come of a request at one server.
    fn of_server(&self, way: Way, index: usize, class: Class, policies: &State) -> Vec<Expected> {
        let judged = |class| of_class(way, class, policies, &self.worlds);
        match class {
            // Envoy's handshake with it fails.
            Class::Plaintext if index != PLAINTEXT => judged(Class::Nobody),
            // The switch accepts before it resets, and without TLS that is a connection.
            Class::Nobody if index == PLAINTEXT => {
                let mut all = judged(Class::Plaintext);
                all.retain(|expected| matches!(expected, Expected::Denied(..)));
                all.extend(judged(class));
                all
            }
            _ => judged(class),
        }
    }
}

fn denied_client(way: Way, client: ClientKind, state: &State) -> Option<Expected> {
    let role = if way == Way::Tcp {
        Role::Network
    } else {
        Role::Downstream
    };
    if state.policies[role as usize] == PolicyKind::Report {
        return None;
    }
    let cause = match client {
        ClientKind::Good => return None,
        ClientKind::Without => "client_certificate_missing",
        ClientKind::Expired => "certificate_expired",
        ClientKind::Stranger => "certificate_unknown_issuer",
    };
    Some(Expected::Denied(403, cause))
}

fn of_class(way: Way, class: Class, policy: &State, worlds: &[State; 2]) -> Vec<Expected> {
    let role = if way == Way::Tcp {
        Role::Network
    } else {
        Role::Upstream
    };
    let policy = policy.policies[role as usize];
    let denied = |cause| vec![Expected::Denied(503, cause)];
    let cause = match class {
        Class::Broken | Class::Nobody => return vec![Expected::Unreachable],
        _ if policy == PolicyKind::Report => return vec![Expected::Served(class)],
        _ if policy == PolicyKind::Waived => return waived(way, class, worlds),
        Class::Plaintext => "plaintext",
        Class::Expired => "certificate_expired",
        Class::Stranger => "certificate_unknown_issuer",
        Class::Misnamed => "name_mismatch",
        Class::Second => return after_name(way, class, worlds),
        _ if policy == PolicyKind::SecondName => "name_mismatch",
        Class::Good | Class::Asked | Class::Revoked => return after_name(way, class, worlds),
    };
    denied(cause)
}

/// No waiver helps who is revoked.
fn waived(way: Way, class: Class, worlds: &[State; 2]) -> Vec<Expected> {
    let mut all = Vec::new();
    let is_trusted = worlds.iter().all(|world| world.responder_is_trusted);
    if way == Way::Revocation && class == Class::Revoked {
        all.push(Expected::Denied(503, "certificate_revoked"));
    }
    if all.is_empty() || !is_trusted {
        all.push(Expected::Served(class));
    }
    all
}

/// A certificate that is all right, up to its revocation.
fn after_name(way: Way, class: Class, worlds: &[State; 2]) -> Vec<Expected> {
    if way != Way::Revocation {
        return vec![Expected::Served(class)];
    }
    let denied = |cause| Expected::Denied(503, cause);
    let no_word = ["revocation_unreachable", "revocation_invalid"].map(denied);
    let is_trusted = worlds.iter().all(|world| world.responder_is_trusted);
    match class {
        Class::Revoked if is_trusted => vec![denied("certificate_revoked")],
        Class::Revoked => [denied("certificate_revoked")]
            .into_iter()
            .chain(no_word)
            .collect(),
        // Of a certificate whose word is known, no misbehaviour takes it away.
        Class::Asked if is_trusted || worlds.iter().all(|world| world.is_known) => {
            vec![Expected::Served(class)]
        }
        Class::Asked => [Expected::Served(class)]
            .into_iter()
            .chain(no_word)
            .collect(),
        _ => vec![denied("revocation_no_source")],
    }
}
