//! The design of an organization's certificates, and the draft of one that is not saved.

use std::{sync::Arc, time::Duration};

use http::Response;
use jiff::{Timestamp, ToSpan};
use lambda_http::Body;
use serde_json::{Value, json, value::to_raw_value};

use crate::{
    api::{
        auth::{self, Caller},
        images,
    },
    app::App,
    domain::{
        design::{Design, DesignPart},
        field_error::{FieldError, FieldErrors},
        fields::Fields,
        ids::TemplateId,
        image::Image,
        lang::Lang,
        organization::Organization,
        recipient::{Entry, Recipient},
        refusal,
        template::{Definition, Template},
        time,
    },
    http::{
        problem::Problem,
        serve::{Call, ok},
    },
    store::designs::OrganizationDesign,
};

/// Longest wait for a design to begin: one that another process's clock put further ahead is not waited for.
const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// `GET /organization/design`: the design that was saved last, which new credentials have.
pub async fn show(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let caller = auth::authenticate(app, call).await?;
    let saved = app.catalog.design(&caller.org, None).await?;
    ok(&answer(saved.as_ref(), &app.config.site_url))
}

/// `PUT /organization/design`: replaces the design for what is accepted from the next second on. That second is waited for, so that
/// whoever issues after the answer issues with it. What was accepted before keeps the design of then. Safe to repeat: the same design is
/// not written again.
pub async fn put(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let caller = auth::authenticate(app, call).await?;
    let (mut design, pictures) = DesignPart::read(Fields::of_body(call.expect_json()?)?)?;
    images::store_design(app, &caller.org, &mut design, &pictures).await?;
    let site_url = &app.config.site_url;
    let saved = app.catalog.design(&caller.org, None).await?;
    let now = app.clock.now();
    let item = match saved {
        Some(saved) if saved.design == design => saved,
        None if design.is_empty() => return ok(&answer(None, site_url)),
        _ => {
            let since = time::seconds(now + 1.seconds());
            let item = OrganizationDesign { v: 1, since, design };
            if !app.catalog.put_design(&caller.org, &item).await? {
                return Err(Problem::conflict(
                    "Otra solicitud cambió el diseño en el mismo segundo; léelo y repite el cambio",
                    "Another request changed the design in the same second; read it and repeat the change",
                ));
            }
            item
        }
    };
    // Also for a request that is repeated because its first answer was lost.
    if let Ok(since) = item.since.parse::<Timestamp>() {
        let wait = Duration::try_from(since.duration_since(app.clock.now())).unwrap_or_default();
        tokio::time::sleep(wait.min(LONGEST_WAIT)).await;
    }
    ok(&answer(Some(&item), site_url))
}

/// The answer for a design: its parameters, and the second from which it is in force.
fn answer(saved: Option<&OrganizationDesign>, site_url: &str) -> Value {
    let mut answer = saved.map_or_else(|| json!({}), |saved| saved.design.answer(site_url));
    if let Some(members) = answer.as_object_mut() {
        members.insert("since".to_owned(), json!(saved.map(|saved| &saved.since)));
    }
    answer
}

/// What a sample of certificates is drawn of.
#[derive(Debug)]
pub struct Draft {
    /// The organization as it is now.
    pub organization: Arc<Organization>,
    /// The template as it is now.
    pub template: Template,
    /// The design: the body's in place of the template's, and the organization's behind it.
    pub design: Design,
    /// The pictures that the body brought, which are not stored.
    pub pictures: Vec<(Image, Vec<u8>)>,
    /// The body's recipient, read and checked as issuing does; no profile fills anything in.
    pub recipient: Option<Recipient>,
}

/// Reads a template and the design that its certificates would have with the body's `design`, if it has one. Nothing is written.
///
/// # Errors
/// `not_found`; `invalid_request` with every fault of the design, or of the recipient; those of the store.
pub async fn draft(app: &App, call: &Call, caller: &Caller) -> Result<Draft, Problem> {
    let id = TemplateId::parse(&call.parameter).map_err(|_| Problem::template_not_found(None))?;
    let template = app.catalog.template(&caller.org, id).await?;
    let template = template.ok_or_else(|| Problem::template_not_found(None))?;
    let mut body = Fields::of_body(call.expect_json()?)?;
    let is_given = body.has("design");
    let recipient = body.take("recipient");
    let (part, given) = DesignPart::take(&mut body, &template.definition.custom_fields);
    body.end()?;
    let recipient =
        recipient.map(|given| recipient_of(&given, &template.definition)).transpose()?;
    let mut part = match is_given {
        true => part,
        false => template.definition.design.clone(),
    };
    let mut pictures = Vec::with_capacity(given.len());
    for (slot, image, file) in images::of_design(app, &caller.org, &given).await? {
        part.get_or_insert_default().place_image(slot, image.clone());
        pictures.push((image, file));
    }
    let organization = app.catalog.organization(&caller.org).await?;
    let of_organization = app.catalog.design(&caller.org, None).await?;
    let design = Design::of(of_organization.as_ref().map(|saved| &saved.design), part.as_ref());
    Ok(Draft { organization, template, design, pictures, recipient })
}

/// Reads a recipient as issuing does, up to what its template says of it.
fn recipient_of(given: &Value, template: &Definition) -> Result<Recipient, Problem> {
    let raw = to_raw_value(given).map_err(Problem::internal)?;
    let mut entry = Entry::parse(&raw);
    refusal::complete(&mut entry, template);
    let checked = entry.recipient.and_then(|recipient| {
        let recipient = recipient.cleaned().unwrap_or(recipient);
        match template.check(&recipient) {
            faults if faults.is_empty() => Ok(recipient),
            faults => Err(faults),
        }
    });
    checked.map_err(|faults| {
        let mut errors = FieldErrors::default();
        for fault in &faults {
            let pointer = match fault.field() {
                Some(field) => format!("/recipient/{}", field.replace('.', "/")),
                None => "/recipient".to_owned(),
            };
            let (es, en) = (fault.text(Lang::Es), fault.text(Lang::En));
            errors.push(FieldError::new(pointer, fault.code(), es, en));
        }
        Problem::invalid_request(errors)
    })
}
