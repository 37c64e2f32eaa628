//! Signature checks by the host.

use super::abi::{OK, proxy_call_foreign_function, take};
use crate::trust::{Digest, SignatureScheme, SignatureVerifier};

/// Signature checks by the host's BoringSSL, through Envoy's foreign function
/// `verify_signature` (source/extensions/common/wasm/foreign.cc).
#[derive(Clone, Copy, Debug, Default)]
pub struct HostSignatures;

impl SignatureVerifier for HostSignatures {
    fn verify(
        &self,
        scheme: SignatureScheme,
        spki_der: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Option<bool> {
        // The function knows a key and a hash, and would check PSS as PKCS #1
        // v1.5; Ed25519 it refuses.
        if scheme.is_pss() {
            return None;
        }
        let hash = match scheme.digest()? {
            Digest::Sha256 => "SHA256",
            Digest::Sha384 => "SHA384",
            Digest::Sha512 => "SHA512",
            Digest::Md5 | Digest::Sha1 => return None,
        };
        let mut argument =
            Vec::with_capacity(64 + spki_der.len() + message.len() + signature.len());
        for (field, bytes) in [
            (1u8, hash.as_bytes()),
            (2, spki_der),
            (3, signature),
            (4, message),
        ] {
            argument.push(field << 3 | 2);
            push_varint(&mut argument, bytes.len());
            argument.extend_from_slice(bytes);
        }
        const NAME: &str = "verify_signature";
        let (mut data, mut size) = (std::ptr::null_mut(), 0);
        // SAFETY: the name, the argument and the out pointers are valid for
        // the call.
        let status = unsafe {
            proxy_call_foreign_function(
                NAME.as_ptr(),
                NAME.len(),
                argument.as_ptr(),
                argument.len(),
                &mut data,
                &mut size,
            )
        };
        if status != OK {
            return None;
        }
        // SAFETY: the host just returned these.
        let answer = unsafe { take(data, size) };
        // VerifySignatureResult { bool result = 1; string error = 2; }: yes is
        // exactly field 1 with 1; no is this error (Envoy 1.36 to 1.40), which
        // is final, or a peer's false signatures would be checked twice. Any
        // other answer means that the host cannot tell (a key or hash that it
        // does not take): then the in-wasm way decides.
        const NO: &[u8] = b"\x12\x26Failed to verify digest. Error code: 0";
        match answer.as_slice() {
            [0x08, 0x01] => Some(true),
            NO => Some(false),
            _ => None,
        }
    }
}

fn push_varint(out: &mut Vec<u8>, mut n: usize) {
    while n >= 0x80 {
        out.push(u8::try_from(n & 0x7f).unwrap_or(0) | 0x80);
        n >>= 7;
    }
    out.push(u8::try_from(n).unwrap_or(0));
}
