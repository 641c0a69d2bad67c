//! `unicreda keys`: API keys of the organization, with a key of scope admin.

use clap::{Subcommand, ValueEnum};
use serde_json::{Map, Value, json};

use crate::{
    client::Ask,
    exit::{Exit, Failure},
    input,
    screen::cell,
    secret,
    session::{self, Session},
};

/// `unicreda keys …`
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Makes a key. It is given out this once.
    Create {
        /// What people call it.
        #[arg(long)]
        name: String,
        /// What it may do, separated by commas: issue, read, catalog, manage, admin.
        #[arg(long, value_delimiter = ',', required = true)]
        scopes: Vec<String>,
        /// live, or test: data of its own, no mail [default: as the key that makes it].
        #[arg(long, value_enum)]
        mode: Option<KeyMode>,
        /// Instant at which it ends, RFC 3339.
        #[arg(long, value_name = "INSTANT")]
        expires_at: Option<String>,
        #[command(flatten)]
        secret: secret::Flags,
    },
    /// Lists keys, without their secrets.
    List {
        /// How many at most.
        #[arg(long, default_value_t = 100, value_name = "N")]
        limit: usize,
    },
    /// Revokes a key: it fails from then on.
    Revoke {
        /// The key's id, as `list` shows it.
        id: String,
    },
}

/// Live or test.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum KeyMode {
    /// Issues in earnest.
    Live,
    /// For trying things.
    Test,
}

/// Runs a command.
///
/// # Errors
/// With what went wrong.
pub async fn run(session: &Session, command: Command) -> Result<Exit, Failure> {
    let screen = session.screen;
    match command {
        Command::Create { name, scopes, mode, expires_at, secret } => {
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
            create(session, &Value::Object(body), secret.ready(screen)?).await
        }
        Command::List { limit } => {
            let columns = [
                ("ID", "/id"),
                (screen.pick("MODO", "MODE"), "/mode"),
                (screen.pick("PERMISOS", "SCOPES"), "/scopes"),
                (screen.pick("USADA", "LAST USED"), "/last_used_at"),
                (screen.pick("TERMINA", "EXPIRES"), "/expires_at"),
                (screen.pick("REVOCADA", "REVOKED"), "/revoked_at"),
                (screen.pick("NOMBRE", "NAME"), "/name"),
            ];
            session::show_list(session, "/api-keys", &[], limit, &columns).await?;
            Ok(Exit::Done)
        }
        // The second call answers like the first.
        Command::Revoke { id } => {
            session.client.json(Ask::delete(format!("/api-keys/{}", input::segment(&id)))).await?;
            screen.document(&json!({ "id": id, "revoked": true }))?;
            screen.result(&screen.pick(format!("{id} revocada"), format!("{id} revoked")))?;
            Ok(Exit::Done)
        }
    }
}

/// Makes a key. Not repeated when its answer was lost: that would be one more key.
async fn create(session: &Session, body: &Value, place: secret::Place) -> Result<Exit, Failure> {
    let screen = session.screen;
    let made = session.client.json(Ask::post("/api-keys").json(body)).await;
    let mut made = match made {
        Ok(made) => made,
        Err(failure) => {
            place.discard();
            return Err(failure);
        }
    };
    let id = cell(made.get("id"));
    if screen.json && place.is_output() {
        screen.document(&made)?;
        return Ok(Exit::Done);
    }
    let key = made.as_object_mut().and_then(|members| members.remove("key"));
    place.put(key.as_ref().and_then(Value::as_str).unwrap_or_default(), screen)?;
    screen.document(&made)?;
    screen.notice(&screen.pick(
        format!("Clave {id} hecha. Se entrega esta única vez: solo se guarda su hash."),
        format!("Key {id} made. It is given out this once: only its hash is kept."),
    ));
    Ok(Exit::Done)
}
