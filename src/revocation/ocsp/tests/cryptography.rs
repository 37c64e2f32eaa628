//! The OCSP responses among pyca/cryptography's test vectors: what public CAs
//! answered, and what was made of it. `cryptography/README.md` says where the
//! files are from.

mod rows;

use std::path::{Path, PathBuf};

use data_encoding::HEXUPPER;

use self::rows::{About, Is, ROWS, Refused};
use super::responder::{at, time_text};
use crate::revocation::ocsp::encoding::{self, tag};
use crate::revocation::ocsp::response::BasicResponse;
use crate::revocation::ocsp::time;
use crate::revocation::ocsp::{Answer, CertStatus, Demands, OcspError, Question, Signer, verify};
use crate::trust::Utc;
use crate::trust::der::{self, Reader, wrap};
use crate::trust::{Certificate, NoHost, pem, signature};

#[test]
fn pyca_agrees() {
    let mut failures = Vec::new();
    for (file, moment, about, expected) in ROWS {
        let answer = about.answered(&read(file), moment);
        let (expected, why) = match expected {
            Is(status) => (status, ""),
            Refused(code, why) => (code, *why),
        };
        let answer = gist(&answer);
        if answer != **expected {
            failures.push(format!(
                "{file} at {moment}: {answer}, not {expected}. {why}"
            ));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn each_file_has_a_row() {
    let mut names: Vec<String> = std::fs::read_dir(path(""))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".der"))
        .collect();
    names.sort();
    let mut rows: Vec<_> = ROWS.iter().map(|(file, ..)| *file).collect();
    rows.sort_unstable();
    rows.dedup();
    assert_eq!(names, rows);
}

/// Where the issuer is not at hand: what is read is what the delegate signed.
#[test]
fn delegates_signed_what_is_read() {
    let files = [
        ("resp-delegate-unknown-cert.der", 1),
        ("resp-sct-extension.der", 1),
        ("ocsp-army.deps.mil-resp.der", 20),
    ];
    let bytes = files.map(|(file, _)| read(file));
    let responses = bytes
        .each_ref()
        .map(|bytes| BasicResponse::parse(bytes).unwrap());
    for (response, (file, statuses)) in responses.iter().zip(files) {
        assert_eq!(response.responses.len(), statuses, "{file}");
        for (signer, (other, _)) in responses.iter().zip(files) {
            let delegate = Certificate::parse(signer.certificates[0]).unwrap();
            let purposes = delegate.extensions().extended_key_usage.as_ref().unwrap();
            assert!(purposes.ocsp_signing, "{other}");
            let signed = &response.signed;
            let (message, by) = (signed.message, signed.signature);
            let checked = signature::check(&NoHost, delegate.spki(), signed.algorithm, message, by);
            assert_eq!(checked.is_ok(), file == other, "{file}, {other}");
        }
    }
}

impl About {
    fn answered(&self, response: &[u8], moment: &str) -> Result<Answer, OcspError> {
        let issuer = certificate(self.0);
        let question = Question {
            leaf: &self.leaf(&issuer),
            issuer: &issuer,
        };
        let now = time::read(&mut Reader::new(&time_text(moment))).unwrap();
        verify(response, &question, &Demands::default(), &NoHost, at(now))
    }

    /// The certificates asked about were not kept, and of theirs no more counts
    /// than the serial number and the issuer's name: one of RapidSSL gets these.
    fn leaf(&self, issuer: &Certificate) -> Certificate {
        let given = certificate("cryptography.io.pem");
        let certificate = values(given.der());
        let mut fields = values(certificate[0]);
        let serial = wrap(tag::INTEGER, &HEXUPPER.decode(self.1.as_bytes()).unwrap());
        // After the version; the signature's algorithm is between them.
        fields[1] = &serial;
        fields[3] = issuer.subject_der();
        let fields = wrap(tag::SEQUENCE, &fields.concat());
        let der = [&fields, certificate[1], certificate[2]].concat();
        Certificate::parse(&wrap(tag::SEQUENCE, &der)).unwrap()
    }
}

/// What is in a SEQUENCE, headers included.
fn values(sequence: &[u8]) -> Vec<&[u8]> {
    let mut rest = der::single(sequence, tag::SEQUENCE).unwrap();
    let mut values = Vec::new();
    while !rest.is_empty() {
        values.push(encoding::whole(&mut rest).unwrap());
    }
    values
}

fn gist(answer: &Result<Answer, OcspError>) -> String {
    let answer = match answer {
        Err(error) => return error.code().to_owned(),
        Ok(answer) => answer,
    };
    let status = match answer.status {
        CertStatus::Revoked { at, reason } => {
            let reason = reason.map_or(String::new(), |reason| format!(" {reason}"));
            format!("revoked {}{reason}", Utc(at))
        }
        status => status.to_string(),
    };
    let by = match answer.signed_by {
        Signer::Issuer => "the issuer",
        Signer::Delegate { nocheck: true, .. } => "a delegate with nocheck",
        Signer::Delegate { nocheck: false, .. } => "a delegate",
    };
    format!("{status}, by {by}")
}

fn path(file: &str) -> PathBuf {
    let directory = "src/revocation/ocsp/tests/cryptography";
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    root.join(directory).join(file)
}

fn read(file: &str) -> Vec<u8> {
    std::fs::read(path(file)).unwrap()
}

fn certificate(file: &str) -> Certificate {
    Certificate::parse(&pem::single_certificate(&read(file)).unwrap()).unwrap()
}
