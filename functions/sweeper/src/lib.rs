//! STUB
use lambda_runtime::{Error, LambdaEvent};
use serde_json::Value;
use unicreda::App;

/// Runs once a minute: closes what has ended, queues again what stands still.
pub async fn handle(_app: &App, _event: LambdaEvent<Value>) -> Result<Value, Error> {
    Ok(Value::Null)
}
