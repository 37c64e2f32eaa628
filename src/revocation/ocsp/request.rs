//! Asking: the `OCSPRequest` (RFC 6960 section 4.1) and how it travels
//! (RFC 6960 appendix A.1, RFC 5019 section 5).

use data_encoding::BASE64;

use super::encoding::tag;
use super::nonce::Nonce;
use super::question::{CertIdHash, Question};
use crate::trust::der;

/// Content type of a request that is POSTed.
pub const REQUEST_TYPE: &str = "application/ocsp-request";

/// Content type of every response.
pub const RESPONSE_TYPE: &str = "application/ocsp-response";

/// Octets of a URL up to which a request can go by GET, so that answers can be
/// cached on the way: "less than or equal to 255 bytes in total (after encoding)
/// including the scheme and delimiters (http://), server name and base64-encoded
/// OCSPRequest structure" (RFC 5019 section 5).
pub const MAX_GET_URL: usize = 255;

/// The DER `OCSPRequest` for one certificate. There is neither requestorName nor
/// signature: nobody needs to know who asks.
pub fn request(question: &Question<'_>, hash: CertIdHash, nonce: Option<&Nonce>) -> Vec<u8> {
    let sequence = |content: &[u8]| der::wrap(tag::SEQUENCE, content);
    let cert_id = sequence(&question.cert_id(hash));
    let request_list = sequence(&sequence(&cert_id));
    let mut tbs_request = request_list;
    if let Some(nonce) = nonce {
        let extensions = sequence(&nonce.extension());
        tbs_request.extend(der::wrap(tag::context_constructed(2), &extensions));
    }
    sequence(&sequence(&tbs_request))
}

/// The path that asks the responder at the URL `base` by GET. `None` where that
/// is not possible and POST must be used: the URL would be too long, or `base`
/// has a query or a fragment, or is no URL.
///
/// ```
/// use hopguard::revocation::ocsp::get_path;
///
/// let path = get_path("http://ocsp.example/ca", &[0xff, 0xef, 0xff, 0xff]);
/// assert_eq!(path.as_deref(), Some("/ca/%2F%2B%2F%2F%2Fw%3D%3D"));
/// assert_eq!(get_path("http://ocsp.example/ca", &[0; 200]), None);
/// ```
pub fn get_path(base: &str, request: &[u8]) -> Option<String> {
    if base.contains(['?', '#']) {
        return None;
    }
    let (scheme, rest) = base.split_once("://")?;
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    if scheme.is_empty() || authority.is_empty() {
        return None;
    }
    let mut asking = String::from("/");
    asking.push_str(path);
    if !asking.ends_with('/') {
        asking.push('/');
    }
    for character in BASE64.encode(request).chars() {
        match character {
            '+' => asking.push_str("%2B"),
            '/' => asking.push_str("%2F"),
            '=' => asking.push_str("%3D"),
            other => asking.push(other),
        }
    }
    let url = [scheme, "://", authority, &asking];
    (url.iter().map(|part| part.len()).sum::<usize>() <= MAX_GET_URL).then_some(asking)
}
