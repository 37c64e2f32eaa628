//! The same questions to the core, without WebAssembly.

use data_encoding::{BASE64, HEXLOWER};
use hopguard::decision::{Direction, TlsVersion, Transport};
use hopguard_engine::certificate::first;
use hopguard_engine::connection::{Connection, Facts, Presented, Request};
use hopguard_engine::document::Document;
use serde_json::Value;

use crate::host::TABLE;

/// The moment of the table.
pub fn now() -> i64 {
    TABLE["now"].as_i64().unwrap()
}

/// A policy of the table.
pub fn policy(name: &str) -> Document {
    let text = TABLE["policies"][name].to_string();
    Document::read(&text, now()).unwrap_or_else(|errors| panic!("{name}: {errors:?}"))
}

/// The facts of a row.
pub fn facts(given: &Value) -> Facts {
    let text = |field: &str| given[field].as_str().map(str::to_owned);
    let direction = match given["direction"].as_str().unwrap() {
        "downstream" => Direction::Downstream,
        "upstream" => Direction::Upstream,
        other => panic!("{other}"),
    };
    let certificate = text("peer-certificate").map(|name| der(&name));
    let sha256 = text("peer-certificate-sha256").map(|hex| {
        let bytes = HEXLOWER.decode(hex.as_bytes()).unwrap();
        <[u8; 32]>::try_from(bytes).unwrap()
    });
    let names = |list: &Value| -> Vec<String> {
        let list = list.as_array().cloned().unwrap_or_default();
        list.iter()
            .map(|name| name.as_str().unwrap().to_owned())
            .collect()
    };
    let connection = Connection {
        direction,
        transport: transport(&given["transport"]),
        cluster: text("cluster"),
        listener: text("listener"),
        filter_chain: text("filter-chain"),
        server_name: text("server-name"),
        peer_address: text("peer-address"),
        presented: match (certificate, sha256) {
            (None, None) => Presented::nothing(),
            (None, Some(sha256)) => Presented::digest(sha256),
            (Some(der), None) => Presented::certificate(&der),
            (Some(der), Some(sha256)) => Presented::of_digest(sha256, &der),
        },
        client_certificate: given["client-certificate"].as_bool().filter(|is| *is),
        request: given.get("request").map(|request| Request {
            authority: request["authority"].as_str().map(str::to_owned),
            path: request["path"].as_str().map(str::to_owned),
            headers: names(&request["headers"]),
        }),
        staple: text("stapled-ocsp-response").map(|name| {
            let response = TABLE["ocsp-responses"][name].as_str().unwrap();
            BASE64.decode(response.as_bytes()).unwrap()
        }),
        answer: text("revocation-answer")
            .map(|answer| serde_json::from_value(answer.into()).unwrap()),
    };
    connection.facts().unwrap()
}

/// The DER of a certificate of the table.
pub fn der(name: &str) -> Vec<u8> {
    let pem = TABLE["certificates"][name].as_str().unwrap();
    first(pem.as_bytes().to_vec()).unwrap().0
}

fn transport(given: &Value) -> Transport {
    let version = |given: &Value| {
        given.as_str().map(|version| match version {
            "tls10" => TlsVersion::Tls10,
            "tls11" => TlsVersion::Tls11,
            "tls12" => TlsVersion::Tls12,
            "tls13" => TlsVersion::Tls13,
            other => panic!("{other}"),
        })
    };
    if given == "plaintext" {
        return Transport::Plaintext;
    }
    if let Some(given) = given.get("tls") {
        return version(given).map_or(Transport::TlsUnknown, Transport::Tls);
    }
    Transport::Passthrough(version(&given["passthrough"]))
}
