//! Node and the packages of programs that others have written in it.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use tokio::process::Command;

/// The folder `tests/{name}`, with its packages from npm.
pub async fn packages(name: &str) -> Result<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(name);
    let lock = locked(&folder).await?;
    install(&folder).await?;
    drop(lock);
    Ok(folder)
}

/// The folder of the client in TypeScript, compiled, with its tests and examples below `dist/all`.
pub async fn compiled_client() -> Result<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../clients/typescript");
    let lock = locked(&folder).await?;
    install(&folder).await?;
    run(&folder, "npm", &["run", "build", "--silent"]).await?;
    run(&folder, "node_modules/.bin/tsc", &["-p", "tsconfig.check.json"]).await?;
    drop(lock);
    Ok(folder)
}

/// The first that asks works in a folder; other threads and processes wait for it, since the lock is the kernel's.
async fn locked(folder: &Path) -> Result<std::fs::File> {
    let lock = std::fs::File::create(folder.join("node_modules.lock"))?;
    Ok(tokio::task::spawn_blocking(move || lock.lock().map(|()| lock)).await??)
}

async fn install(folder: &Path) -> Result<()> {
    let wanted = std::fs::read(folder.join("package-lock.json"))?;
    // Written last: what an interrupted installation left is replaced.
    let complete = folder.join("node_modules/complete.json");
    if std::fs::read(&complete).ok().as_ref() != Some(&wanted) {
        run(folder, "npm", &["ci", "--no-audit", "--no-fund", "--silent"]).await?;
        if folder.join("chromium.mjs").exists() {
            run(folder, "node", &["chromium.mjs"]).await?;
        }
        std::fs::write(&complete, &wanted)?;
    }
    Ok(())
}

async fn run(folder: &Path, program: &str, arguments: &[&str]) -> Result<()> {
    let status = Command::new(program).args(arguments).current_dir(folder).status().await;
    let status = status.with_context(|| format!("{program}: Node 20 and npm are needed"))?;
    ensure!(status.success(), "{program} {arguments:?}: {status}");
    Ok(())
}
