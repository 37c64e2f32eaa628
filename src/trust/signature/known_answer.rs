//! Whether a host's cryptography can be relied upon, tried with a signature whose
//! answer is known.

use super::SignatureVerifier;
use super::scheme::SignatureScheme;

/// RFC 6979, appendix A.2.5: the public key on P-256.
const SPKI: &[u8] = b"\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x03\x42\x00\x04\
    \x60\xfe\xd4\xba\x25\x5a\x9d\x31\xc9\x61\xeb\x74\xc6\x35\x6d\x68\xc0\x49\xb8\x92\x3b\x61\xfa\x6c\xe6\x69\x62\x2e\x60\xf2\x9f\xb6\
    \x79\x03\xfe\x10\x08\xb8\xbc\x99\xa4\x1a\xe9\xe9\x56\x28\xbc\x64\xf2\xf1\xb2\x0c\x2d\x7e\x9f\x51\x77\xa3\xc2\x94\xd4\x46\x22\x99";
/// The signature over `sample`, with SHA-256.
const SIGNATURE: &[u8] = b"\x30\x46\x02\x21\x00\
    \xef\xd4\x8b\x2a\xac\xb6\xa8\xfd\x11\x40\xdd\x9c\xd4\x5e\x81\xd6\x9d\x2c\x87\x7b\x56\xaa\xf9\x91\xc3\x4d\x0e\xa8\x4e\xaf\x37\x16\
    \x02\x21\x00\
    \xf7\xcb\x1c\x94\x2d\x65\x7c\x41\xd4\x36\xc7\xa1\xb6\xe2\x9f\x65\xf3\xe9\x00\xdb\xb9\xaf\xf4\x06\x4d\xc4\xab\x2f\x84\x3a\xcd\xa8";
const SIGNED: &[u8] = b"sample";
/// The same signature is not one over this.
const NOT_SIGNED: &[u8] = b"simple";

/// What a host is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostCheck {
    /// It tells true signatures from false ones.
    Sound,
    /// It has no such function, or refuses: signatures are checked in process.
    Absent,
    /// It calls a false signature good or a good one false, and must not be asked.
    Unsound,
}

/// Tries a host.
pub fn try_host(host: &dyn SignatureVerifier) -> HostCheck {
    let answer = |message| host.verify(SignatureScheme::EcdsaP256Sha256, SPKI, message, SIGNATURE);
    match (answer(SIGNED), answer(NOT_SIGNED)) {
        // "I cannot tell" of a false one is slow, for it is checked twice, and no more.
        (Some(true), Some(false) | None) => HostCheck::Sound,
        (None, None | Some(false)) => HostCheck::Absent,
        (_, Some(true)) | (Some(false), _) => HostCheck::Unsound,
    }
}

#[cfg(test)]
mod tests {
    use super::super::rustcrypto::Checkable;
    use super::*;

    /// Answers like this to what is signed, and to what is not.
    struct Host(Option<bool>, Option<bool>);

    impl SignatureVerifier for Host {
        fn verify(&self, _: SignatureScheme, _: &[u8], message: &[u8], _: &[u8]) -> Option<bool> {
            if message == SIGNED { self.0 } else { self.1 }
        }
    }

    #[test]
    fn the_answer_is_the_one_that_is_known() {
        let key = SPKI.get(26..).unwrap_or_default();
        let check = |message| {
            Checkable::new(SignatureScheme::EcdsaP256Sha256, key, SIGNATURE)
                .is_some_and(|checkable| checkable.verify(message))
        };
        assert!(check(SIGNED));
        assert!(!check(NOT_SIGNED));
    }

    #[test]
    fn a_host_is_asked_only_where_it_tells_true_from_false() {
        let (yes, no) = (Some(true), Some(false));
        for (host, expected) in [
            (Host(yes, no), HostCheck::Sound),
            // Envoy before 1.39 words its no in another way.
            (Host(yes, None), HostCheck::Sound),
            (Host(None, None), HostCheck::Absent),
            (Host(None, no), HostCheck::Absent),
            (Host(yes, yes), HostCheck::Unsound),
            (Host(None, yes), HostCheck::Unsound),
            (Host(no, no), HostCheck::Unsound),
            (Host(no, None), HostCheck::Unsound),
            (Host(no, yes), HostCheck::Unsound),
        ] {
            assert_eq!(try_host(&host), expected, "{:?} {:?}", host.0, host.1);
        }
    }
}
