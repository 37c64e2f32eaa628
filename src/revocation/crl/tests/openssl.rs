//! Lists that nobody here wrote: `openssl ca -gencrl`.

use crate::revocation::crl::{
    Crl, CrlError, CrlNumber, CrlStatus, Limits, NotCovered, Reason, status,
};
use crate::trust::tests::openssl::Workshop;
use crate::trust::tests::pki::{NOW, at};
use crate::trust::{Certificate, NoHost};

const CONFIG: &str = "
[ca]
default_ca = own
[own]
database = index.txt
serial = serial
crlnumber = crlnumber
certificate = ca.crt
private_key = ca.key
new_certs_dir = .
default_md = sha256
policy = any
x509_extensions = leaf
crl_extensions = list
default_days = 3650
default_crl_days = 30
[any]
commonName = supplied
[leaf]
basicConstraints = CA:FALSE
authorityKeyIdentifier = keyid
crlDistributionPoints = URI:http://crl.example/a.crl
[list]
authorityKeyIdentifier = keyid
[partition]
authorityKeyIdentifier = keyid
issuingDistributionPoint = critical, @point
[point]
fullname = URI:http://crl.example/a.crl
onlyuser = TRUE
[other]
issuingDistributionPoint = critical, @other_point
[other_point]
fullname = URI:http://crl.example/b.crl
[indirect]
issuingDistributionPoint = critical, @indirect_point
[indirect_point]
indirectCRL = TRUE
[delta]
2.5.29.27 = critical, DER:02:01:01
";

/// A CA with its database, and the certificates `a` (revoked), `b` (on hold) and
/// `c`.
struct Office {
    shop: Workshop,
}

impl Office {
    fn new() -> Self {
        let shop = Workshop::new();
        std::fs::write(shop.path("ca.cnf"), CONFIG).unwrap();
        std::fs::write(shop.path("index.txt"), "").unwrap();
        std::fs::write(shop.path("serial"), "1000").unwrap();
        std::fs::write(shop.path("crlnumber"), "0FFF").unwrap();
        shop.run("req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.crt -subj /CN=office -days 3650");
        for name in ["a", "b", "c"] {
            shop.run(&format!(
                "req -new -newkey rsa:2048 -nodes -keyout {name}.key -out {name}.csr -subj /CN={name}"
            ));
            shop.run(&format!(
                "ca -config ca.cnf -batch -in {name}.csr -out {name}.crt -notext"
            ));
            shop.run(&format!("x509 -in {name}.crt -outform DER -out {name}.der"));
        }
        shop.run("x509 -in ca.crt -outform DER -out ca.der");
        shop.run("ca -config ca.cnf -revoke a.crt -crl_reason keyCompromise");
        shop.run("ca -config ca.cnf -revoke b.crt -crl_hold holdInstructionReject");
        Self { shop }
    }

    fn certificate(&self, name: &str) -> Certificate {
        Certificate::parse(&self.shop.read(&format!("{name}.der"))).unwrap()
    }

    /// A list with the extensions of this section, in PEM.
    fn pem(&self, section: &str) -> Vec<u8> {
        self.shop.run(&format!(
            "ca -config ca.cnf -gencrl -crlexts {section} -out list.pem \
             -crl_lastupdate 20260531000000Z -crl_nextupdate 20260607000000Z"
        ));
        self.shop.read("list.pem")
    }

    fn load(&self, bytes: Vec<u8>) -> Result<Crl, CrlError> {
        let ca = self.certificate("ca");
        Crl::load(bytes, &[&ca], at(NOW), Limits::default(), &NoHost)
    }

    fn list(&self, section: &str) -> Result<Crl, CrlError> {
        self.load(self.pem(section))
    }
}

#[test]
fn openssls_lists_are_read_as_openssl_means_them() {
    let office = Office::new();
    let ca = office.certificate("ca");
    let ask = |crl: &Crl, name: &str| match status(&[crl], &office.certificate(name), &ca, at(NOW))
    {
        CrlStatus::Revoked { reason, .. } => reason.to_string(),
        CrlStatus::Good { .. } => "good".into(),
        CrlStatus::NotCovered(NotCovered::Partition) => "another partition".into(),
        other => format!("{other:?}"),
    };

    let first = office.list("list").unwrap();
    assert_eq!(first.number(), CrlNumber::from(0x0fff));
    assert_eq!(first.issuer(), "CN=office");
    assert_eq!(ask(&first, "a"), Reason::KEY_COMPROMISE.to_string());
    assert_eq!(ask(&first, "b"), Reason::CERTIFICATE_HOLD.to_string());
    assert_eq!(ask(&first, "c"), "good");

    // PEM or DER.
    office
        .shop
        .run("crl -in list.pem -outform DER -out list.der");
    assert_eq!(office.load(office.shop.read("list.der")).unwrap(), first);

    let second = office.list("list").unwrap();
    assert_eq!(second.check_replaces(&first), Ok(()));
    let backwards = first.check_replaces(&second).unwrap_err();
    assert_eq!(backwards.code(), "crl_number_went_backwards");

    let partition = office.list("partition").unwrap();
    assert_eq!(ask(&partition, "a"), "keyCompromise");
    assert_eq!(ask(&partition, "c"), "good");
    assert_eq!(
        ask(&office.list("other").unwrap(), "c"),
        "another partition"
    );

    assert_eq!(office.list("indirect"), Err(CrlError::Indirect));
    assert_eq!(office.list("delta"), Err(CrlError::Delta));
}
