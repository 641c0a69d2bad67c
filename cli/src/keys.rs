//! `unicreda keys`: creates, lists and revokes the organization's API keys, with a key that has the
//! scope admin.

use clap::{Subcommand, ValueEnum};
use serde_json::{Map, Value, json};

use crate::{
    client::ApiRequest,
    exit::{Exit, Failure},
    input,
    key_sink::{KeySink, KeySinkFlags},
    printer::cell,
    session::{self, Session},
};

/// `unicreda keys …`
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Create a key. Its value is shown only once.
    Create {
        /// Name for people.
        #[arg(long)]
        name: String,
        /// Scopes, separated by commas: issue, read, catalog, manage, admin.
        #[arg(long, value_delimiter = ',', required = true)]
        scopes: Vec<String>,
        /// Mode: live, or test with separate data and no mail [default: that of the key in use].
        #[arg(long, value_enum)]
        mode: Option<KeyMode>,
        /// Instant at which the key expires, RFC 3339.
        #[arg(long, value_name = "INSTANT")]
        expires_at: Option<String>,
        #[command(flatten)]
        sink: KeySinkFlags,
    },
    /// List keys, without their secrets.
    List {
        /// Maximum number of keys.
        #[arg(long, default_value_t = 100, value_name = "N")]
        limit: usize,
    },
    /// Revoke a key at once.
    Revoke {
        /// Id of the key, as `list` shows it.
        id: String,
    },
}

/// The mode of a key.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum KeyMode {
    /// Issues real credentials and sends mail.
    Live,
    /// Keeps separate data and sends no mail.
    Test,
}

/// Runs a command.
///
/// # Errors
/// When it failed.
pub async fn run(session: &Session, command: Command) -> Result<Exit, Failure> {
    let printer = session.printer;
    match command {
        Command::Create { name, scopes, mode, expires_at, sink } => {
            let mut body = Map::new();
            body.insert("name".into(), json!(name));
            body.insert("scopes".into(), json!(scopes));
            if let Some(mode) = mode {
                let mode = match mode {
                    KeyMode::Live => "live",
                    KeyMode::Test => "test",
                };
                body.insert("mode".into(), json!(mode));
            }
            if let Some(instant) = expires_at {
                body.insert("expires_at".into(), json!(instant));
            }
            create(session, &Value::Object(body), sink.open(printer)?).await
        }
        Command::List { limit } => {
            let columns = [
                ("ID", "/id"),
                (printer.pick("MODO", "MODE"), "/mode"),
                (printer.pick("PERMISOS", "SCOPES"), "/scopes"),
                (printer.pick("ÚLTIMO USO", "LAST USED"), "/last_used_at"),
                (printer.pick("VENCE", "EXPIRES"), "/expires_at"),
                (printer.pick("REVOCADA", "REVOKED"), "/revoked_at"),
                (printer.pick("NOMBRE", "NAME"), "/name"),
            ];
            session::print_list(session, "/api-keys", &[], limit, &columns).await?;
            Ok(Exit::Done)
        }
        // The second call answers like the first.
        Command::Revoke { id } => {
            session
                .client
                .json(ApiRequest::delete(format!("/api-keys/{}", input::path_segment(&id))))
                .await?;
            printer.json(&json!({ "id": id, "revoked": true }))?;
            printer.line(&printer.pick(format!("{id} revocada"), format!("{id} revoked")))?;
            Ok(Exit::Done)
        }
    }
}

/// Creates a key. Not repeated if the answer is lost: that would create a second key.
async fn create(session: &Session, body: &Value, sink: KeySink) -> Result<Exit, Failure> {
    let printer = session.printer;
    let created = session.client.json(ApiRequest::post("/api-keys").json(body)).await;
    let mut created = match created {
        Ok(created) => created,
        Err(failure) => {
            sink.discard();
            return Err(failure);
        }
    };
    let id = cell(created.get("id"));
    if printer.json && sink.is_stdout() {
        printer.json(&created)?;
        return Ok(Exit::Done);
    }
    let key = created.as_object_mut().and_then(|members| members.remove("key"));
    sink.write(key.as_ref().and_then(Value::as_str).unwrap_or_default(), printer)?;
    printer.json(&created)?;
    printer.notice(&printer.pick(
        format!(
            "Clave {id} creada. Se entrega solo esta vez: el servicio guarda únicamente su hash."
        ),
        format!(
            "Key {id} created. This is the only time you get it: the service stores only its hash."
        ),
    ));
    Ok(Exit::Done)
}
