//! Links a function at a fixed address, in every `Cargo.toml` beside this file.
//!
//! A position-independent executable of this size has 45,000 addresses to be corrected at each
//! cold start, on 170 pages that are copied for it (docs/decisions/0021-cold-start.md).

fn main() {
    println!("cargo::rerun-if-changed=../build.rs");
    if std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "linux") {
        println!("cargo::rustc-link-arg=-no-pie");
    }
}
