//! Looks credentials up by keys: by the job that issued them, by the caller's own id.
//!
//! Safe to repeat: nothing is written.

use std::{collections::BTreeSet, fmt, str::FromStr};

use crate::{
    app::App,
    credentials::found::{self, Found},
    domain::{
        identity,
        ids::{CredentialId, TemplateId},
        job::{Job, JobKind},
        tenant::Tenant,
        text::cleaned,
    },
    store::StoreError,
};

/// Shards that one page of a job's credentials reads: a bound for jobs that issued few.
const SHARDS_A_PAGE: u32 = 20;
/// Templates that one page of an `external_id` reads the ids of.
const TEMPLATES_A_PAGE: usize = 500;

/// Credentials found by a key, each with its position in the list.
#[derive(Debug)]
pub struct Located<P> {
    /// The credentials; some may not exist.
    pub items: Vec<(P, CredentialId)>,
    /// The position after which the next page begins; none at the end.
    pub next: Option<P>,
}

/// A credential of an `external_id`: that of a template, under one of the forms of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OfTemplate {
    template: TemplateId,
    form: usize,
}

impl fmt::Display for OfTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.template, self.form)
    }
}

impl FromStr for OfTemplate {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (template, form) = text.split_once('/').ok_or("not a position")?;
        match (TemplateId::parse(template), form.parse()) {
            (Ok(template), Ok(form)) => Ok(Self { template, form }),
            _ => Err("not a position"),
        }
    }
}

/// The credentials that a job issued, in the order of its rows: duplicates of earlier ones and corrected
/// ones excepted. `most` bounds a page.
///
/// # Errors
/// [`StoreError`].
pub async fn of_job(
    app: &App,
    job: &Job,
    after: u32,
    most: usize,
) -> Result<Located<u32>, StoreError> {
    let mut located = Located { items: Vec::new(), next: None };
    if !matches!(job.kind(), JobKind::Issue(_)) {
        return Ok(located);
    }
    let secret = app.catalog.id_secret(&job.org).await?;
    let mut row = after.saturating_add(1);
    let mut shards = 0;
    while row <= job.total {
        if shards == SHARDS_A_PAGE || located.items.len() >= most {
            located.next = Some(row - 1);
            break;
        }
        let number = job.shard_of(row);
        let view = app.jobs.shard(job.shard_id(number)).await?;
        shards += 1;
        let last = *job.rows_of(number).end();
        let issued = (row..=last).filter(|row| view.issued(*row));
        let ids = issued.filter_map(|row| Some((row, view.credential_of(row, &secret, job)?)));
        located.items.extend(ids);
        row = last + 1;
    }
    Ok(located)
}

/// The credentials that have an `external_id`, in normal form 1, in the order of their templates: an id
/// follows from each template, and leads to the credential or, if that was erased, to the one that was
/// issued again.
///
/// # Errors
/// [`StoreError`].
pub async fn of_external_id(
    app: &App,
    tenant: Tenant<'_>,
    external_id: &str,
    only: Option<TemplateId>,
    after: Option<OfTemplate>,
) -> Result<Located<OfTemplate>, StoreError> {
    let secret = app.catalog.id_secret(tenant.org).await?;
    // Of the template that a page ended with, the other form of the text may be left.
    let mut templates: Vec<TemplateId> = after.map(|after| after.template).into_iter().collect();
    let mut next = None;
    if let Some(only) = only {
        templates = vec![only];
    } else {
        let last = after.map(|after| after.template);
        let page = app.catalog.template_ids(tenant.org, last, TEMPLATES_A_PAGE).await?;
        next = page.next.and_then(|next| TemplateId::parse(&next).ok());
        templates.extend(page.items);
    }
    let texts = Vec::from_iter(BTreeSet::from([external_id.into(), cleaned(external_id)]));
    let mut ids = Vec::new();
    for template in templates {
        let forms = texts.iter().enumerate().map(|(form, text)| {
            let id = identity::of_external_id(&secret, tenant, template, text);
            (OfTemplate { template, form }, id)
        });
        ids.extend(forms.filter(|(at, _)| {
            after.is_none_or(|after| at.template != after.template || at.form > after.form)
        }));
    }
    let wanted: Vec<CredentialId> = ids.iter().map(|(_, id)| *id).collect();
    let (found, erased) = app.credentials.stored_all(&wanted).await?;
    let known: BTreeSet<CredentialId> = found.iter().map(|found| found.id).collect();
    let mut items = Vec::new();
    for (at, id) in ids {
        if known.contains(&id) {
            items.push((at, id));
        } else if erased.iter().any(|left| left.id == id)
            && let Found::Credential { credential, .. } = found::after(app, &secret, id).await?
        {
            items.push((at, credential.id));
        }
    }
    let next = next.map(|template| OfTemplate { template, form: texts.len() });
    Ok(Located { items, next })
}
