//! `KEEP=1`: leaves everything running, for a person with a shell.

use std::path::Path;

use hopguard_testbed::envoy::Envoy;

use crate::about::About;

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

/// Prints a command line for each case, and where to see what comes of them.
pub fn print(commands: &[(About, String)], directory: &Path, envoy: &Envoy) {
    println!("\nEverything is running until Ctrl-C. To try it:\n");
    println!("cd {}", directory.display());
    let mut section = None;
    for (about, command) in commands {
        if section != Some(about.section) {
            println!("\n# {}", about.section.title());
            section = Some(about.section);
        }
        println!("{command}    # {}", about.words);
    }
    let log = envoy.directory().join("envoy.log");
    println!("\nEvents and access log:  tail -f {}", log.display());
    let admin = envoy.admin_address();
    println!("Metrics:  curl http://{admin}/stats/prometheus");
}
