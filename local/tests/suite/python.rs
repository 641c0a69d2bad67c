//! Python 3.11 and the packages of programs that others have written in it.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::LazyLock,
};

/// The interpreter itself. What a version manager puts in its place takes longer to start than the programs of
/// the tests take to run.
static PLAIN: LazyLock<PathBuf> = LazyLock::new(|| {
    let asked = Command::new("python3").args(["-c", "import sys; print(sys.executable)"]).output();
    let asked = asked.expect("python3");
    succeeded(&asked);
    String::from_utf8(asked.stdout).expect("a path").trim().into()
});

/// A command of the interpreter without any packages.
pub fn plain() -> Command {
    Command::new(&*PLAIN)
}

/// The interpreter of an environment with the packages of `tests/{name}/requirements.txt`, which is made
/// below the target folder once, and again when these change.
pub fn interpreter(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    // Two runs at once must not both make it; the lock goes with the file.
    let lock = File::create(folder.join(format!("{name}.lock"))).expect("a lock file");
    lock.lock().expect("the lock");
    let home = folder.join(name);
    let made_from = home.join("made-from.txt");
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let requirements = tests.join(name).join("requirements.txt");
    let wanted = fs::read(&requirements).expect("the requirements");
    let python = home.join("bin/python");
    if fs::read(&made_from).is_ok_and(|made| made == wanted) {
        return python;
    }
    let create = Command::new("python3.11").args(["-m", "venv", "--clear"]).arg(&home).output();
    succeeded(&create.expect("Python 3.11 (python3.11) is needed to run programs of the tests"));
    let install = Command::new(&python)
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"])
        .arg("-r")
        .arg(&requirements)
        .output();
    succeeded(&install.expect("pip runs"));
    fs::write(made_from, wanted).expect("the mark");
    python
}

/// The source archive of the one package of a file of requirements, downloaded once: for the data of its tests,
/// which is not installed.
pub fn archive(python: &Path, requirements: &Path) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let lock = File::create(folder.join("archives.lock")).expect("a lock file");
    lock.lock().expect("the lock");
    let wanted = fs::read_to_string(requirements).expect("the requirements");
    let named = wanted.lines().find_map(|line| line.split_once(" --hash")).expect("a package").0;
    let home = folder.join("archives");
    let archive = home.join(format!("{}.tar.gz", named.replace("==", "-")));
    if !archive.exists() {
        let download = Command::new(python)
            .args(["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"])
            .args(["--no-binary", ":all:", "--require-hashes", "-d"])
            .arg(&home)
            .arg("-r")
            .arg(requirements)
            .output();
        succeeded(&download.expect("pip runs"));
    }
    archive
}

/// What a program that succeeded printed.
pub fn succeeded(output: &Output) -> String {
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}\n{stdout}\n{stderr}", output.status);
    stdout
}
