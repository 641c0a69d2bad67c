//! The recipient of benchmarks and budgets (`suite::budgets`).

use serde_json::{Value, json};

/// A recipient of a registrar's list: name, result, credits, role, term, dates.
pub fn graduate(n: u32) -> Value {
    json!({
        "email": format!("graduada.{n}@universidad.example"),
        "recipient_name": format!("Agustina Belén Zorrilla Ibáñez {n}"),
        "result_value": "B", "credits_earned": 6.5, "role": "Egresada", "term": "2025-1",
        "activity_start_date": "2025-03-10", "activity_end_date": "2025-07-21",
    })
}
