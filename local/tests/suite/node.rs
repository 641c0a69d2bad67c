//! Node and the packages of programs that others have written in it.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use tokio::process::Command;

/// The folder `tests/{name}`, with its packages from npm. The first that asks installs them; other
/// threads and processes wait for it, since the lock is the kernel's.
pub async fn packages(name: &str) -> Result<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(name);
    let lock = std::fs::File::create(folder.join("node_modules.lock"))?;
    let lock = tokio::task::spawn_blocking(move || lock.lock().map(|()| lock)).await??;
    let wanted = std::fs::read(folder.join("package-lock.json"))?;
    // Written last: what an interrupted installation left is replaced.
    let complete = folder.join("node_modules/complete.json");
    if std::fs::read(&complete).ok().as_ref() != Some(&wanted) {
        run(&folder, "npm", &["ci", "--no-audit", "--no-fund", "--silent"]).await?;
        if name == "browser" {
            run(&folder, "node", &["chromium.mjs"]).await?;
        }
        std::fs::write(&complete, &wanted)?;
    }
    drop(lock);
    Ok(folder)
}

async fn run(folder: &Path, program: &str, arguments: &[&str]) -> Result<()> {
    let status = Command::new(program).args(arguments).current_dir(folder).status().await;
    let status = status.with_context(|| format!("{program}: Node 20 and npm are needed"))?;
    ensure!(status.success(), "{program} {arguments:?}: {status}");
    Ok(())
}
