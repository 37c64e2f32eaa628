//! `KEEP=1`: leaves everything running, for a person with curl.

use std::path::Path;

use hopguard_testbed::Result;

use crate::case::{Caller, Side};
use crate::pki::HOST;
use crate::world::{Running, World};

/// Holds Ctrl-C back, so that it ends the demo and does not kill it. To be
/// called before there is any other thread, for threads inherit it.
pub fn hold_interrupts() -> Interrupts {
    // SAFETY: the set is initialised by sigemptyset before anything reads it,
    // and all pointers are to locals that live through the calls.
    unsafe {
        let mut signals = std::mem::zeroed();
        libc::sigemptyset(&mut signals);
        libc::sigaddset(&mut signals, libc::SIGINT);
        libc::sigaddset(&mut signals, libc::SIGTERM);
        libc::pthread_sigmask(libc::SIG_BLOCK, &signals, std::ptr::null_mut());
        Interrupts(signals)
    }
}

/// The signals that are held back.
pub struct Interrupts(libc::sigset_t);

impl Interrupts {
    /// Waits for one of them.
    pub fn wait(&self) {
        let mut signal = 0;
        // SAFETY: both pointers are valid for the call; the set is initialised.
        unsafe { libc::sigwait(&self.0, &mut signal) };
    }
}

/// Writes the clients' certificates, and prints a curl line for each case.
pub fn print_curl_lines(world: &World, directory: &Path) -> Result<()> {
    println!("\nEverything is running until Ctrl-C. To try it:\n");
    println!("cd {}", directory.display());
    for running in &world.running {
        let line = curl(running, world.address(running).port(), directory)?;
        let side = match running.case.side {
            Side::Client => "the client",
            Side::Server => "the server",
        };
        println!("{line}    # {side} {}", running.case.words);
    }
    println!(
        "\nEvents and access log:  tail -f {}",
        world.envoy.directory().join("envoy.log").display()
    );
    Ok(())
}

fn curl(running: &Running, port: u16, directory: &Path) -> Result<String> {
    let case = &running.case;
    let mut options = String::new();
    let scheme = match &case.caller {
        Caller::Plaintext => "http",
        _ => "https",
    };
    if scheme == "https" {
        options.push_str(" --cacert company-ca.pem");
    }
    match &case.caller {
        Caller::Certificate(name, certificate) => {
            certificate.write_to(directory, name)?;
            options.push_str(&format!(" --cert {name}.pem --key {name}.key"));
        }
        Caller::OldTls => {
            options.push_str(" --tlsv1.0 --tls-max 1.1 --ciphers DEFAULT@SECLEVEL=0");
        }
        Caller::Plaintext | Caller::Tls => {}
    }
    if let Some((name, value)) = case.header {
        options.push_str(&format!(" -H {name}:{value}"));
    }
    let path = running.path();
    Ok(format!(
        "curl -i{options} -H host:{HOST} {scheme}://localhost:{port}{path}"
    ))
}
