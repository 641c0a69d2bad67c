//! The prices and targets of `infra/figures.json`.

use serde_json::Value;

/// A figure, by its group (`prices` or `targets`) and name.
///
/// NaN, which no figure is within, if the file does not have it.
pub fn figure(group: &str, name: &str) -> f64 {
    let figures: Value =
        serde_json::from_str(include_str!("../../../infra/figures.json")).unwrap_or_default();
    figures[group][name].as_f64().unwrap_or(f64::NAN)
}
