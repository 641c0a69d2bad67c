//! Writes `docs/openapi.json`: `cargo run --bin openapi -- --write`. Without `--write` it prints the document.

use std::{env, fs, path::Path};

fn main() -> anyhow::Result<()> {
    let text = openapi::file()?;
    match env::args().nth(1).as_deref() {
        Some("--write") => {
            let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json");
            fs::write(file, text)?;
        }
        _ => {
            use std::io::Write;
            std::io::stdout().write_all(text.as_bytes())?;
        }
    }
    Ok(())
}
