//! The cost of a run's calls: number, kind, units.
//!
//! The embedded DynamoDB counts capacity as AWS documents it, indexes apart, and each call
//! asks for it; a refused condition, whose answer has no count, is one unit. SQS bills
//! each 64 KB of a request. The calls of Lambda's event source, which receives and deletes in
//! tens, are computed from the messages.

use std::{collections::BTreeMap, ops::Sub};

use serde_json::Value;

/// Bytes of one billed request of SQS.
const SQS_REQUEST: usize = 64 * 1024;

/// Counts since the start.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    /// Calls by operation.
    pub calls: BTreeMap<String, f64>,
    /// Write units by table, or by table and index.
    pub writes: BTreeMap<String, f64>,
    /// Read units by table, or by table and index.
    pub reads: BTreeMap<String, f64>,
    /// Calls that a condition refused, by operation.
    pub refused: BTreeMap<String, f64>,
    /// Calls that the SDK made again.
    pub retries: f64,
    /// Messages sent.
    pub messages: f64,
    /// Requests that SQS bills for sending them.
    pub sends: f64,
}

impl Ledger {
    /// Notes a call that was answered.
    pub fn note(&mut self, operation: &str, request: &Value, status: u16, answer: &Value) {
        *self.calls.entry(operation.to_owned()).or_default() += 1.0;
        if operation == "SendMessageBatch" {
            let bytes = request.to_string().len();
            self.sends += bytes.div_ceil(SQS_REQUEST) as f64;
            self.messages += request["Entries"].as_array().map_or(0, Vec::len) as f64;
        }
        let reads = matches!(operation, "GetItem" | "BatchGetItem" | "Query" | "Scan");
        let units = if reads { &mut self.reads } else { &mut self.writes };
        if status == 400 {
            *self.refused.entry(operation.to_owned()).or_default() += 1.0;
        }
        if status == 400 && request["TableName"].is_string() {
            let table = request["TableName"].as_str().expect("a table");
            *units.entry(table.to_owned()).or_default() += 1.0;
        }
        // A batch's consumed capacity leaves out its refused statements.
        if operation == "BatchExecuteStatement" {
            let refused = answer["Responses"].as_array().into_iter().flatten();
            let refused = refused.filter(|answer| answer["Error"].is_object());
            for table in refused.filter_map(|answer| answer["TableName"].as_str()) {
                *units.entry(table.to_owned()).or_default() += 1.0;
            }
        }
        let consumed = match &answer["ConsumedCapacity"] {
            Value::Array(tables) => tables.iter().collect(),
            Value::Null => Vec::new(),
            one => vec![one],
        };
        for of in consumed {
            let table = of["TableName"].as_str().expect("a table");
            let mut count = |name: String, value: &Value| {
                *units.entry(name).or_default() += value["CapacityUnits"].as_f64().unwrap_or(0.0);
            };
            count(table.to_owned(), &of["Table"]);
            for (index, value) in of["GlobalSecondaryIndexes"].as_object().into_iter().flatten() {
                count(format!("{table}/{index}"), value);
            }
        }
    }

    /// All calls.
    pub fn all_calls(&self) -> f64 {
        self.calls.values().sum()
    }
}

/// The difference to an earlier state.
impl Sub<&Self> for Ledger {
    type Output = Self;
    fn sub(self, before: &Self) -> Self {
        let less = |now: BTreeMap<String, f64>, before: &BTreeMap<String, f64>| {
            let left = now.into_iter().map(|(name, n)| {
                let n = n - before.get(&name).copied().unwrap_or_default();
                (name, n)
            });
            left.filter(|(_, n)| *n > 0.0).collect()
        };
        Self {
            calls: less(self.calls, &before.calls),
            writes: less(self.writes, &before.writes),
            reads: less(self.reads, &before.reads),
            refused: less(self.refused, &before.refused),
            retries: self.retries - before.retries,
            messages: self.messages - before.messages,
            sends: self.sends - before.sends,
        }
    }
}
