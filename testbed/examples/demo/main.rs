//! `make demo`: what hopguard allows and denies, and why, against real servers
//! through a real Envoy. Ends with an error where anything is not as expected.

mod about;
mod access;
mod caller;
mod events;
mod expected;
mod http;
mod keep;
mod nobody;
mod outcome;
mod pki;
mod plugin;
mod table;
mod tcp;
mod world;

use std::error::Error;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use self::pki::Certificates;
use self::world::World;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let keep = std::env::var("KEEP").is_ok_and(|value| !matches!(value.as_str(), "" | "0"));
    let interrupts = keep.then(keep::hold_interrupts);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let directory = directory()?;

    eprintln!("demo: making certificates");
    let certificates = runtime.block_on(Certificates::new())?;
    certificates.write_ca(&directory)?;
    let policy = certificates.policy()?;
    let policy_file = directory.join("policy.json");
    fs::write(&policy_file, format!("{policy:#}\n"))?;
    eprintln!("demo: starting Envoy, and its servers");
    let world = runtime.block_on(World::start(&certificates, &policy))?;
    eprintln!("demo: sending requests\n");
    let report = runtime.block_on(world.run())?;

    let good = table::print(&report.lines);
    table::print_unexplained(&report.unexplained);
    let log_file = directory.join("envoy.log");
    fs::write(&log_file, world.envoy.logs().join("\n"))?;
    println!("\n{good} of {} as expected.", report.lines.len());
    println!("policy  {}", policy_file.display());
    println!("log     {}", log_file.display());
    if let Some(interrupts) = interrupts {
        let commands = runtime.block_on(world.commands(&directory))?;
        keep::print(&commands, &directory, &world.envoy);
        interrupts.wait();
        eprintln!("\ndemo: stopping");
    }
    let is_good = good == report.lines.len() && report.unexplained.is_empty();
    Ok(if is_good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// `target/demo`: this program is in `target/<profile>/examples`.
fn directory() -> Result<PathBuf, Box<dyn Error>> {
    let program = std::env::current_exe()?;
    let target = program.ancestors().nth(3).ok_or("not run by cargo")?;
    let directory = target.join("demo");
    fs::create_dir_all(&directory)?;
    Ok(directory)
}
