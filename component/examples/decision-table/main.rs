//! `make decision-table`: makes component/table/decisions.json anew, with new keys. What each row
//! is to come to is written by hand, in rows.rs.

mod certificates;
mod policies;
mod rows;

use std::error::Error;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::json;

use certificates::World;

fn main() -> Result<(), Box<dyn Error>> {
    let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs())?;
    let world = World::new()?;
    let table = json!({
        "now": now,
        "policies": policies::all(&world, now)?,
        "certificates": world.certificates()?,
        "ocsp-responses": world.responses()?,
        "rows": rows::all(&world),
    });
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("table/decisions.json");
    std::fs::write(&path, serde_json::to_string_pretty(&table)? + "\n")?;
    println!("{}", path.display());
    Ok(())
}
