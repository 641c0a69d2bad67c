//! Node and its packages, for what others have written in it.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use tokio::process::Command;

/// The folder `tests/{name}` with its packages from npm, which it installs when they are not
/// there.
pub async fn packages(name: &str) -> Result<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(name);
    let lock = std::fs::File::create(std::env::temp_dir().join(format!("unicreda-{name}.lock")))?;
    // Tests run side by side.
    let lock = tokio::task::spawn_blocking(move || lock.lock().map(|()| lock)).await??;
    let wanted = std::fs::read(folder.join("package-lock.json"))?;
    let installed = folder.join("node_modules/installed.json");
    if std::fs::read(&installed).ok().as_ref() != Some(&wanted) {
        let status = Command::new("npm")
            .args(["ci", "--no-audit", "--no-fund", "--silent"])
            .current_dir(&folder)
            .status()
            .await
            .context("npm, which comes with Node")?;
        ensure!(status.success(), "npm ci: {status}");
        std::fs::write(&installed, &wanted)?;
    }
    drop(lock);
    Ok(folder)
}
