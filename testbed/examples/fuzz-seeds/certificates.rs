//! Certificates of many kinds, alone, with their issuers, and in what carries them.

use std::net::IpAddr;

use hopguard_testbed::pki::{Authority, Issued, KeyKind, LeafBuilder, Signature};

use crate::world::{CRL_URL, OCSP_URL, World};
use crate::{Output, Result};

pub fn write(world: &World, output: &Output) -> Result<()> {
    let leaves = leaves(world)?;
    for (name, leaf) in &leaves {
        output.seed("certificate", name, leaf.der())?;
    }
    output.seed("certificate", "root", world.pki.root.der())?;
    output.seed("certificate", "pem", world.server.pem().as_bytes())?;
    output.seed(
        "certificate",
        "pem-percent-encoded",
        encoded(&world.server).as_bytes(),
    )?;
    chains(world, output)?;
    forwarded(world, output)?;
    sources(output)
}

fn leaves(world: &World) -> Result<Vec<(&'static str, Issued)>> {
    let leaf = || world.pki.server("api.fuzz.test");
    let issue = |leaf: LeafBuilder| leaf.try_issue();
    Ok(vec![
        ("server", world.server.clone()),
        ("revoked", world.revoked.clone()),
        ("client", world.client.clone()),
        ("delegate", world.delegate.clone()),
        ("pinned", world.pinned.clone()),
        ("p384", issue(leaf().key(KeyKind::P384))?),
        ("p521", issue(leaf().key(KeyKind::P521))?),
        ("ed25519", issue(leaf().key(KeyKind::Ed25519))?),
        ("rsa", issue(leaf().key(KeyKind::Rsa2048))?),
        ("dsa", issue(leaf().key(KeyKind::Dsa1024))?),
        ("sha1", issue(leaf().signature(Signature::Sha1))?),
        ("rsa-pss", rsa_pss()?),
        ("expired", issue(leaf().expired())?),
        ("ca-as-leaf", issue(leaf().ca_as_leaf())?),
        ("must-staple", issue(leaf().must_staple())?),
        ("all-names", issue(all_names(leaf()))?),
        ("no-names", issue(leaf().no_sans())?),
        ("many-names", issue(leaf().many_dns(60))?),
        ("any-purpose", issue(leaf().any_extended_key_usage())?),
        ("serial-with-sign", issue(leaf().serial(&[0xfe, 1, 2]))?),
        (
            "critical",
            issue(leaf().extension(&[2, 5, 29, 99], true, &[5, 0]))?,
        ),
        (
            "sources",
            issue(
                leaf()
                    .ocsp_url(OCSP_URL)
                    .crl_url(CRL_URL)
                    .crl_url("ldap://crl.test/"),
            )?,
        ),
    ])
}

fn all_names(leaf: LeafBuilder) -> LeafBuilder {
    leaf.organization("Fuzz, \"Inc.\"")
        .ip(IpAddr::from([10, 0, 0, 1]))
        .ip(IpAddr::from([0xfd00, 0, 0, 0, 0, 0, 0, 1]))
        .uri("spiffe://fuzz.test/ns/web")
        .uri("https://fuzz.test/")
        .email("web@fuzz.test")
}

fn rsa_pss() -> Result<Issued> {
    let ca = Authority::root("RSA").key(KeyKind::Rsa2048).try_issue()?;
    Ok(ca
        .server("api.fuzz.test")
        .signature(Signature::PssSha256)
        .try_issue()?)
}

/// A leaf first, then certificates that the policy might have.
fn chains(world: &World, output: &Output) -> Result<()> {
    let pki = &world.pki;
    let constrained = pki
        .root
        .intermediate("Constrained")
        .permit_dns("fuzz.test")
        .try_issue()?;
    let below = constrained.server("api.fuzz.test").try_issue()?;
    let cross = pki
        .other
        .intermediate("Testbed Intermediate CA")
        .path_len(0)
        .try_issue()?;
    for (name, leaf, others) in [
        ("server", &world.server, vec![]),
        ("client", &world.client, vec![]),
        ("pinned", &world.pinned, vec![]),
        (
            "with-issuers",
            &world.server,
            vec![pki.intermediate.der(), pki.root.der()],
        ),
        (
            "constrained",
            &below,
            vec![constrained.der(), pki.root.der()],
        ),
        (
            "same-name",
            &world.server,
            vec![cross.der(), pki.intermediate.der(), pki.other.der()],
        ),
        ("self-signed-ca", &world.pinned, vec![pki.other.der()]),
    ] {
        let mut all = leaf.der().to_vec();
        all.extend(others.concat());
        output.seed("chain", name, &all)?;
    }
    Ok(())
}

/// Envoy's header, as Envoy writes it.
fn forwarded(world: &World, output: &Output) -> Result<()> {
    let (hash, cert) = (world.client.sha256_hex(), encoded(&world.client));
    let own = format!(
        "By=spiffe://fuzz.test/proxy;Hash={hash};Cert=\"{cert}\";Subject=\"CN=web\";URI=spiffe://fuzz.test/ns/web/sa/web"
    );
    for (name, header) in [
        ("own", own.clone()),
        ("appended", format!("By=a;Hash=b;Cert=\"first\",{own}")),
        (
            "quoted",
            "Subject=\"O=\\\"a, b\\\",Cert=no\";Cert=yes".into(),
        ),
        ("chain", format!("Hash={hash};Chain=\"{cert}\"")),
    ] {
        output.seed("forwarded", name, header.as_bytes())?;
    }
    Ok(())
}

/// PEM as Envoy percent-encodes it.
fn encoded(certificate: &Issued) -> String {
    let escape = |c: char| match c {
        '\n' => "%0A".into(),
        ' ' => "%20".into(),
        '+' => "%2B".into(),
        '/' => "%2F".into(),
        '=' => "%3D".into(),
        other => other.to_string(),
    };
    certificate.pem().chars().map(escape).collect()
}

/// Values of the extensions that name sources; the first octet says of which one.
fn sources(output: &Output) -> Result<()> {
    let wrap = |tag: u8, content: &[u8]| {
        let len = u8::try_from(content.len()).expect("short");
        let mut value = vec![tag];
        value.extend((len >= 0x80).then_some(0x81));
        value.push(len);
        value.extend(content);
        value
    };
    let uri = |text: &str| wrap(0x86, text.as_bytes());
    let access = |method: u8, url: &str| {
        let mut description = vec![6, 8, 0x2b, 6, 1, 5, 5, 7, 0x30, method];
        description.extend(uri(url));
        wrap(0x30, &description)
    };
    let point = |name: &[u8], rest: &[u8]| {
        let name = wrap(0xa0, name);
        wrap(0x30, &[&name, rest].concat())
    };
    let two = [access(1, OCSP_URL), access(2, "http://ca.fuzz.test/ca.der")].concat();
    let names = [uri(CRL_URL), uri("ldap:///cn=crl")].concat();
    let full = point(&wrap(0xa0, &names), &[]);
    let some = point(&wrap(0xa0, &names), &[0x81, 2, 4, 0x60]);
    let other = [&b"\xa2\x07\xa4\x05\x30\x03\x31\x01\x00"[..]].concat();
    let relative = wrap(0xa1, &[6, 3, 0x55, 4, 3, 0x0c, 1, b'x']);
    // One more than is read, each.
    let responders = access(1, "http://a").repeat(9);
    let many = point(&wrap(0xa0, &uri("a").repeat(17)), &[]);
    let points = point(&wrap(0xa0, &uri("a")), &[]).repeat(17);
    for (name, which, value) in [
        ("too-many-responders", 0, wrap(0x30, &responders)),
        ("too-many-names", 1, wrap(0x30, &many)),
        ("too-many-points", 1, wrap(0x30, &points)),
        ("access", 0, wrap(0x30, &two)),
        ("point", 1, wrap(0x30, &full)),
        ("points", 1, wrap(0x30, &[full.clone(), some].concat())),
        ("relative", 1, wrap(0x30, &point(&relative, &other))),
    ] {
        output.seed("sources", name, &[&[which], &value[..]].concat())?;
    }
    Ok(())
}
