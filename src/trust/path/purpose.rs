//! Extended key usage along a path (RFC 5280 section 4.2.1.12).

use webpki::{
    Error, ExtendedKeyUsageValidator, KeyPurposeId, KeyPurposeIdIter, KeyUsage,
    RequiredEkuNotFoundContext,
};

use crate::trust::leaf::Usage;

const ANY: KeyPurposeId<'static> = KeyPurposeId::new(&[0x55, 0x1d, 37, 0]);
const SERVER_AUTH: KeyPurposeId<'static> =
    KeyPurposeId::new(&[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 1]);
const CLIENT_AUTH: KeyPurposeId<'static> =
    KeyPurposeId::new(&[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 2]);

/// An intermediate that names purposes limits the path to them, as every TLS
/// implementation has it. Unlike webpki's own [`KeyUsage`] this accepts
/// anyExtendedKeyUsage: in an issuer it is a limit that limits nothing, and
/// corporate CAs carry it. The leaf's demand is stricter and asked before.
#[derive(Clone, Copy)]
pub(crate) struct PathPurpose(pub(crate) Usage);

impl ExtendedKeyUsageValidator for PathPurpose {
    fn validate(&self, purposes: KeyPurposeIdIter<'_, '_>) -> Result<(), Error> {
        let (wanted, required) = match self.0 {
            Usage::Server => (SERVER_AUTH, KeyUsage::server_auth()),
            Usage::Client => (CLIENT_AUTH, KeyUsage::client_auth()),
        };
        let mut named_any = false;
        for purpose in purposes {
            let purpose = purpose?;
            if purpose == wanted || purpose == ANY {
                return Ok(());
            }
            named_any = true;
        }
        if !named_any {
            return Ok(());
        }
        Err(Error::RequiredEkuNotFoundContext(
            RequiredEkuNotFoundContext {
                required,
                present: Vec::new(),
            },
        ))
    }
}
