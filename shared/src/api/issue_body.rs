//! The body of `POST /credentials/issue`.

use serde::de::IgnoredAny;
use serde_json::{Value, value::RawValue};

use crate::{
    domain::{
        fields::{FieldError, FieldErrors, InvalidBody, text_of, unknown_field},
        ids::TemplateId,
        job::MAX_RECIPIENTS,
        json::{Bounds, Object, shown},
        metadata::{METADATA, Metadata},
        recipient::Entry,
        review::Strict,
        warning::WarningKind,
    },
    http::{problem::Problem, serve::Call},
};

/// The bounds of the body: 60 values a recipient, whose own bounds and repeated members are that
/// recipient's fault.
const BOUNDS: Bounds = Bounds { depth: 16, values: MAX_RECIPIENTS * 60, apart: Some("recipients") };

/// The body of `POST /credentials/issue`.
#[derive(Debug)]
pub(super) struct Submission {
    /// The template.
    pub(super) template: TemplateId,
    /// The recipients, with the metadata of the request.
    pub(super) entries: Vec<Entry>,
    /// Whether mail is asked for.
    pub(super) send_email: bool,
    /// The kinds of warnings that refuse a recipient.
    pub(super) strict: Strict,
    /// Whether a recipient whose credential was erased gets a new one.
    pub(super) reissue: bool,
}

impl Submission {
    /// Reads the body of a request.
    ///
    /// # Errors
    /// `invalid_json`, `invalid_request` with every fault, `too_many_recipients`.
    pub(super) fn read(call: &Call) -> Result<Self, Problem> {
        let text = text_of(call.expect_json()?, &BOUNDS)?;
        let mut faults = Faults::default();
        let members = Members::read(text, &mut faults)?;
        let template = template_id(members.template_id, &mut faults);
        let send_email = boolean(members.send_email, "send_email", true, &mut faults);
        let reissue = boolean(members.reissue, "reissue", false, &mut faults);
        let strict = strict(members.strict, &mut faults);
        let metadata = metadata(members.metadata, &mut faults);
        let recipients = recipients(members.recipients, &mut faults);
        if recipients.len() > MAX_RECIPIENTS {
            return Err(Problem::too_many_recipients(MAX_RECIPIENTS, recipients.len()));
        }
        match template {
            Some(template) if faults.0.count() == 0 => Ok(Self {
                template,
                entries: recipients.into_iter().map(|raw| entry(raw, &metadata)).collect(),
                send_email,
                strict,
                reissue,
            }),
            _ => Err(Problem::invalid_request(faults.0)),
        }
    }
}

/// Reads a recipient, and gives it the metadata of the request.
fn entry(raw: &RawValue, metadata: &Metadata) -> Entry {
    let mut entry = Entry::parse(raw);
    entry.add_metadata(metadata);
    entry
}

/// The faults of a body.
#[derive(Default)]
struct Faults(FieldErrors);

impl Faults {
    fn add(&mut self, pointer: &str, code: &'static str, es: &str, en: &str) {
        self.0.push(FieldError::new(pointer, code, es, en));
    }
}

/// The members of a body, unread; null is absent.
#[derive(Default)]
struct Members<'a> {
    template_id: Option<&'a RawValue>,
    recipients: Option<&'a RawValue>,
    send_email: Option<&'a RawValue>,
    strict: Option<&'a RawValue>,
    reissue: Option<&'a RawValue>,
    metadata: Option<&'a RawValue>,
}

impl<'a> Members<'a> {
    const NAMES: [&'static str; 6] =
        ["template_id", "recipients", "send_email", "strict", "reissue", METADATA];

    fn read(text: &'a str, faults: &mut Faults) -> Result<Self, InvalidBody> {
        if !text.trim_start().starts_with('{') {
            serde_json::from_str::<IgnoredAny>(text)?;
            return Err(InvalidBody::NotAnObject);
        }
        let Object(members) = serde_json::from_str(text)?;
        let mut read = Self::default();
        for (name, raw) in members {
            let slot = match name.as_str() {
                "template_id" => &mut read.template_id,
                "recipients" => &mut read.recipients,
                "send_email" => &mut read.send_email,
                "strict" => &mut read.strict,
                "reissue" => &mut read.reissue,
                METADATA => &mut read.metadata,
                _ => {
                    let name = shown(&name);
                    let pointer = format!("/{}", name.replace('~', "~0").replace('/', "~1"));
                    faults.0.push_with(|| unknown_field(pointer, &name, Self::NAMES));
                    continue;
                }
            };
            *slot = Some(raw);
        }
        let is_given = |raw: &&RawValue| raw.get() != "null";
        Ok(Self {
            template_id: read.template_id.filter(is_given),
            recipients: read.recipients.filter(is_given),
            send_email: read.send_email.filter(is_given),
            strict: read.strict.filter(is_given),
            reissue: read.reissue.filter(is_given),
            metadata: read.metadata.filter(is_given),
        })
    }
}

fn template_id(raw: Option<&RawValue>, faults: &mut Faults) -> Option<TemplateId> {
    let Some(raw) = raw else {
        faults.add(
            "/template_id",
            "missing_field",
            "Falta el campo obligatorio: template_id",
            "Required field missing: template_id",
        );
        return None;
    };
    let text = serde_json::from_str::<String>(raw.get()).unwrap_or_default();
    let id = TemplateId::parse(&text).ok();
    if id.is_none() {
        faults.add(
            "/template_id",
            "invalid_uuid",
            "El campo template_id debe ser un UUID",
            "The field template_id must be a UUID",
        );
    }
    id
}

fn boolean(raw: Option<&RawValue>, name: &str, default: bool, faults: &mut Faults) -> bool {
    match raw.map(RawValue::get) {
        None => default,
        Some("true") => true,
        Some("false") => false,
        Some(_) => {
            faults.add(
                &format!("/{name}"),
                "wrong_type",
                &format!("El campo {name} debe ser true o false"),
                &format!("The field {name} must be true or false"),
            );
            default
        }
    }
}

fn metadata(raw: Option<&RawValue>, faults: &mut Faults) -> Metadata {
    let read = raw.map_or_else(|| Ok(Metadata::default()), Metadata::read);
    read.unwrap_or_else(|refused| {
        faults.0.extend(refused.iter().map(FieldError::from));
        Metadata::default()
    })
}

fn strict(raw: Option<&RawValue>, faults: &mut Faults) -> Strict {
    let value: Value = raw.and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default();
    Strict::read(&value).unwrap_or_else(|| {
        let kinds = WarningKind::names();
        faults.add(
            "/strict",
            "value_not_allowed",
            &format!("El campo strict debe ser true, false o una lista de: {kinds}"),
            &format!("The field strict must be true, false or a list of: {kinds}"),
        );
        Strict::default()
    })
}

fn recipients<'a>(raw: Option<&'a RawValue>, faults: &mut Faults) -> Vec<&'a RawValue> {
    let Some(raw) = raw else {
        faults.add(
            "/recipients",
            "missing_field",
            "Falta el campo obligatorio: recipients",
            "Required field missing: recipients",
        );
        return Vec::new();
    };
    match serde_json::from_str::<Vec<&RawValue>>(raw.get()) {
        Ok(recipients) => {
            if recipients.is_empty() {
                faults.add(
                    "/recipients",
                    "no_recipients",
                    "La lista recipients está vacía",
                    "The list recipients is empty",
                );
            }
            recipients
        }
        Err(_) => {
            faults.add(
                "/recipients",
                "wrong_type",
                "El campo recipients debe ser una lista",
                "The field recipients must be an array",
            );
            Vec::new()
        }
    }
}
