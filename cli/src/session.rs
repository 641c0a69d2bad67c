//! The context of every command that calls the service, and the reading of lists.

use std::{cell::RefCell, rc::Rc, time::Duration};

use serde_json::Value;

use crate::{
    client::{ApiRequest, Client},
    exit::Failure,
    printer::Printer,
    settings::{Flags, Settings},
};

/// The user's way to continue an interrupted command, if there is one.
pub type ResumeHint = Rc<RefCell<Option<String>>>;

/// The service, the printer, and the hint for an interrupted command.
pub struct Session {
    /// The service.
    pub client: Client,
    /// Prints for the user.
    pub printer: Printer,
    /// Longest wait for a lost connection during a transfer or while following a job.
    pub patience: Duration,
    /// Root of the service.
    pub site: String,
    /// Organization and mode of the key.
    pub owner: String,
    resume_hint: ResumeHint,
    template: Option<String>,
}

impl Session {
    /// Reads the service's address and the key.
    ///
    /// # Errors
    /// As [`Flags::read`].
    pub fn open(
        flags: &Flags,
        printer: Printer,
        patience: Duration,
        resume_hint: ResumeHint,
    ) -> Result<Self, Failure> {
        let settings: Settings = flags.read(printer)?;
        let (site, owner) = (settings.site.clone(), settings.key.owner.clone());
        let template = settings.template.clone();
        let client = Client::new(settings, printer)?;
        Ok(Self { client, printer, patience, site, owner, resume_hint, template })
    }

    /// Whether the key is one of test mode.
    pub fn is_test(&self) -> bool {
        self.owner.ends_with("/test")
    }

    /// Sets how the user can continue if the command is interrupted from now on.
    pub fn set_resume_hint(&self, text: impl Into<String>) {
        self.resume_hint.replace(Some(text.into()));
    }

    /// Removes the hint: nothing is left to continue.
    pub fn clear_resume_hint(&self) {
        self.resume_hint.replace(None);
    }

    /// The template to issue with: the named one, else the organization's only one, which is said
    /// unless the command says it itself.
    ///
    /// # Errors
    /// When the organization has none, or more than one.
    pub async fn template_id(&self, flag: Option<String>, say: bool) -> Result<String, Failure> {
        if let Some(id) = flag.or_else(|| self.template.clone()) {
            return Ok(id);
        }
        let printer = self.printer;
        let list =
            self.client.json(ApiRequest::get("/templates").query("limit", Some(100))).await?;
        let items = list.get("items").and_then(Value::as_array).cloned().unwrap_or_default();
        let open = |item: &&Value| item.get("archived").is_none_or(|archived| archived != true);
        let open: Vec<&Value> = items.iter().filter(open).collect();
        match open.as_slice() {
            [only] => {
                let text = |name: &str| only.get(name).and_then(Value::as_str).unwrap_or_default();
                let name = text("name");
                if say {
                    printer.notice(
                        &printer.pick(format!("Plantilla: {name}"), format!("Template: {name}")),
                    );
                }
                Ok(text("id").to_owned())
            }
            [] => {
                Err(Failure::usage(printer.pick(
                    "la organización no tiene plantillas",
                    "the organization has no templates",
                ))
                .next(printer.pick(
                    "crea una con `unicreda templates create ARCHIVO.json`",
                    "create one with `unicreda templates create FILE.json`",
                )))
            }
            _ => Err(Failure::usage(printer.pick(
                "hay varias plantillas: elige una con --template",
                "there are several templates: choose one with --template",
            ))
            .next(printer.pick(
                "`unicreda templates list` las muestra",
                "`unicreda templates list` shows them",
            ))),
        }
    }
}

/// Up to `limit` items of a list, and whether the list has more.
pub async fn fetch_list(
    client: &Client,
    path: &str,
    query: &[(&str, Option<String>)],
    limit: usize,
) -> Result<(Vec<Value>, bool), Failure> {
    let mut items = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let page = limit.saturating_sub(items.len()).clamp(1, 1_000);
        let request = ApiRequest::get(path).query("limit", Some(page));
        let mut request = request.query("cursor", cursor.take());
        for (name, value) in query {
            request = request.query(name, value.as_ref());
        }
        let answer = client.json(request).await?;
        if let Some(page) = answer.get("items").and_then(Value::as_array) {
            items.extend(page.iter().cloned());
        }
        cursor = answer.get("next_cursor").and_then(Value::as_str).map(str::to_owned);
        if cursor.is_none() || items.len() >= limit {
            return Ok((items, cursor.is_some()));
        }
    }
}

/// Prints up to `limit` items of a list, and a notice if the list has more.
///
/// # Errors
/// When the list cannot be read or standard output is closed.
pub async fn print_list(
    session: &Session,
    path: &str,
    query: &[(&str, Option<String>)],
    limit: usize,
    columns: &[(&str, &str)],
) -> Result<(), Failure> {
    let (items, more) = fetch_list(&session.client, path, query, limit).await?;
    let printer = session.printer;
    if items.is_empty() {
        printer.notice(printer.pick("Sin resultados.", "No results."));
        return Ok(());
    }
    printer.table(columns, &items)?;
    if more {
        printer.notice(printer.pick("Hay más: usa --limit N", "There are more: use --limit N"));
    }
    Ok(())
}
