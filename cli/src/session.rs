//! What every command that calls the service works with.

use std::{cell::RefCell, rc::Rc, time::Duration};

use serde_json::Value;

use crate::{
    client::{Ask, Client},
    exit::Failure,
    screen::Screen,
    settings::{Flags, Settings},
};

/// What to say to whoever interrupts a command that can go on later.
pub type WayOn = Rc<RefCell<Option<String>>>;

/// The service, the screen, and how a command goes on when it is interrupted.
pub struct Session {
    /// The service.
    pub client: Client,
    /// What people and scripts read.
    pub screen: Screen,
    /// How long a lost connection is waited for while a job is followed.
    pub patience: Duration,
    /// Root of the service.
    pub site: String,
    /// Organization and mode of the key.
    pub owner: String,
    way_on: WayOn,
    template: Option<String>,
}

impl Session {
    /// Reads where to call and with which key.
    ///
    /// # Errors
    /// As [`Flags::read`].
    pub fn open(
        flags: &Flags,
        screen: Screen,
        patience: Duration,
        way_on: WayOn,
    ) -> Result<Self, Failure> {
        let settings: Settings = flags.read(screen)?;
        let (site, owner) = (settings.site.clone(), settings.key.owner.clone());
        let template = settings.template.clone();
        let client = Client::new(settings, screen)?;
        Ok(Self { client, screen, patience, site, owner, way_on, template })
    }

    /// Says how this command goes on when it ends now.
    pub fn goes_on(&self, text: impl Into<String>) {
        self.way_on.replace(Some(text.into()));
    }

    /// Nothing is under way any more.
    pub fn done(&self) {
        self.way_on.replace(None);
    }

    /// The template to issue with: the one named, else the only one that there is.
    ///
    /// # Errors
    /// When there is none, or more than one.
    pub async fn template(&self, flag: Option<String>) -> Result<String, Failure> {
        if let Some(id) = flag.or_else(|| self.template.clone()) {
            return Ok(id);
        }
        let screen = self.screen;
        let list = self.client.json(Ask::get("/templates").query("limit", Some(100))).await?;
        let items = list.get("items").and_then(Value::as_array).cloned().unwrap_or_default();
        let open = |item: &&Value| item.get("archived").is_none_or(|archived| archived != true);
        let open: Vec<&Value> = items.iter().filter(open).collect();
        match open.as_slice() {
            [only] => {
                let text = |name: &str| only.get(name).and_then(Value::as_str).unwrap_or_default();
                let name = text("name");
                screen.notice(
                    &screen.pick(format!("Plantilla: {name}"), format!("Template: {name}")),
                );
                Ok(text("id").to_owned())
            }
            [] => {
                Err(Failure::usage(screen.pick(
                    "la organización no tiene plantillas",
                    "the organization has no template",
                ))
                .next(screen.pick(
                    "haz una con `unicreda templates create ARCHIVO.json`",
                    "make one with `unicreda templates create FILE.json`",
                )))
            }
            _ => Err(Failure::usage(screen.pick(
                "hay varias plantillas: indica una con --template",
                "there are several templates: name one with --template",
            ))
            .next(screen.pick(
                "`unicreda templates list` las muestra",
                "`unicreda templates list` shows them",
            ))),
        }
    }
}

/// Up to `limit` items of a list, and whether there are more.
pub async fn list(
    client: &Client,
    path: &str,
    query: &[(&str, Option<String>)],
    limit: usize,
) -> Result<(Vec<Value>, bool), Failure> {
    let mut items = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let page = limit.saturating_sub(items.len()).clamp(1, 1_000);
        let mut ask = Ask::get(path).query("limit", Some(page)).query("cursor", cursor.take());
        for (name, value) in query {
            ask = ask.query(name, value.as_ref());
        }
        let answer = client.json(ask).await?;
        if let Some(page) = answer.get("items").and_then(Value::as_array) {
            items.extend(page.iter().cloned());
        }
        cursor = answer.get("next_cursor").and_then(Value::as_str).map(str::to_owned);
        if cursor.is_none() || items.len() >= limit {
            return Ok((items, cursor.is_some()));
        }
    }
}

/// Shows a list, and says when there is more of it.
///
/// # Errors
/// As of its parts.
pub async fn show_list(
    session: &Session,
    path: &str,
    query: &[(&str, Option<String>)],
    limit: usize,
    columns: &[(&str, &str)],
) -> Result<(), Failure> {
    let (items, more) = list(&session.client, path, query, limit).await?;
    let screen = session.screen;
    if items.is_empty() {
        screen.notice(screen.pick("Nada.", "Nothing."));
        return Ok(());
    }
    screen.list(columns, &items)?;
    if more {
        screen.notice(screen.pick("Hay más: --limit N", "There is more: --limit N"));
    }
    Ok(())
}
