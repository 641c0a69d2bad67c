//! What would happen, without its happening: the dry run of one recipient or many.
//!
//! Reads only. What it says holds for the instant: a credential that somebody else issues
//! afterwards makes a new one a duplicate.

use std::collections::HashMap;

use futures::{StreamExt, TryStreamExt, stream};
use http::Response;
use lambda_http::Body;
use serde_json::{Value, json};

use crate::{
    app::App,
    credentials::{
        issue::One,
        sign::{self, Material, SignError},
    },
    domain::{
        credential::{Credential, Status},
        fault::Fault,
        identity::{self, IdSecret},
        ids::{CredentialId, Mode, OrgId},
        lang::Lang,
        recipient::{Entry, Recipient},
    },
    http::{
        problem::Problem,
        serve::{Call, ok},
    },
    store::StoreError,
};

/// Recipients looked at side by side.
const CONCURRENCY: usize = 16;
/// Credentials of an address that are looked through for others of the template.
const LOOKED_AT: usize = 50;
/// Others that are named.
const NAMED: usize = 5;

/// What would become of a recipient.
#[derive(Debug)]
pub enum Foreseen {
    /// It would have this credential.
    New {
        /// Its id.
        id: CredentialId,
        /// Whether the recipient is a member.
        internal: bool,
        /// What else the address holds of the template.
        also_holds: Vec<CredentialId>,
        /// Keyed hash of its content.
        content: String,
        /// Whether an earlier row would have it: to be told by whoever knows the others.
        repeats: bool,
    },
    /// It has this credential already.
    Duplicate {
        /// The credential.
        credential: Box<Credential>,
        /// Whether another identity leads to it.
        alias: bool,
        /// What else the address holds of the template.
        also_holds: Vec<CredentialId>,
    },
    /// It would be refused.
    Refused(Vec<Fault>),
}

impl Foreseen {
    /// What becomes of a new one when an earlier row would have its credential, with this
    /// content.
    pub fn after(self, first: &str) -> Self {
        match self {
            Self::New { id, content, .. } if content != first => {
                Self::Refused(vec![Fault::ExternalIdTaken(id.to_string())])
            }
            Self::New { id, internal, also_holds, content, .. } => {
                Self::New { id, internal, also_holds, content, repeats: true }
            }
            other => other,
        }
    }
}

/// Who would issue.
#[derive(Clone, Copy, Debug)]
pub struct Issuer<'a> {
    /// Organization.
    pub org: &'a OrgId,
    /// Live or test.
    pub mode: Mode,
    /// Its secret for ids.
    pub secret: &'a IdSecret,
    /// `validFrom`, RFC 3339 to the second.
    pub issued_at: &'a str,
}

/// Goes the way of [`crate::credentials::issue::issue`] up to its first write.
///
/// # Errors
/// As of the store.
pub async fn foresee(
    app: &App,
    one: &One<'_>,
    by: Issuer<'_>,
    recipient: Recipient,
) -> Result<Foreseen, StoreError> {
    let Issuer { org, mode, secret, issued_at } = by;
    let identity = identity::of(secret, org, mode, one.template.id, &recipient);
    let mut recipient = recipient;
    if let Some(member) = one.member {
        member.profile.fill(&mut recipient, &one.template.definition);
    }
    let faults = one.template.definition.check(&recipient);
    if !faults.is_empty() {
        return Ok(Foreseen::Refused(faults));
    }
    let material = Material {
        org,
        mode,
        secret,
        settings: one.settings,
        template: one.template,
        id: identity.id,
        recipient: &recipient,
        issued_at,
    };
    match sign::can_be_signed(app, &material) {
        Ok(()) => {}
        Err(SignError::Unportable(why)) => {
            return Ok(Foreseen::Refused(vec![Fault::NotSignable(why)]));
        }
        Err(SignError::Store(error)) => return Err(error),
    }
    let email_key = identity::email_key(secret, org, mode, &recipient.email);
    let (found, held) = futures::future::try_join(
        app.credentials.at(identity.id),
        app.credentials.by_email(&email_key, None, None, LOOKED_AT),
    )
    .await?;
    let own = found.as_ref().map_or(identity.id, |credential| credential.id);
    let others: Vec<CredentialId> = held.items.into_iter().filter(|id| *id != own).collect();
    let also_holds = match others.as_slice() {
        [] => Vec::new(),
        others => {
            let others = app.credentials.get_all(others).await?;
            let same = others
                .iter()
                .filter(|c| c.template_id == one.template.id && c.status != Status::Revoked);
            same.map(|credential| credential.id).take(NAMED).collect()
        }
    };
    let Some(credential) = found.map(Box::new) else {
        let internal = one.member.is_some();
        let (id, content) = (identity.id, identity.content);
        return Ok(Foreseen::New { id, internal, also_holds, content, repeats: false });
    };
    let alias = credential.id != identity.id;
    let known =
        credential.content == identity.content || credential.former.contains(&identity.content);
    Ok(if !alias && !known {
        Foreseen::Refused(vec![Fault::ExternalIdTaken(credential.id.to_string())])
    } else if credential.status != Status::Issued {
        Foreseen::Refused(vec![Fault::NotActive(credential.id.to_string())])
    } else {
        Foreseen::Duplicate { credential, alias, also_holds }
    })
}

/// Answers `POST /credentials/issue?dry_run=true`: what would become of each recipient.
/// A recipient that repeats an earlier one of the request would be its duplicate.
///
/// # Errors
/// As of the store.
pub async fn answer(
    app: &App,
    call: &Call,
    by: Issuer<'_>,
    one: &One<'_>,
    entries: Vec<Entry>,
) -> Result<Response<Body>, Problem> {
    let emails: Vec<_> =
        entries.iter().filter_map(|e| e.recipient.as_ref().ok().map(|r| &r.email)).collect();
    let members = app.catalog.together(by.org, None, None, &emails).await?.members;
    let members = &members;
    let total = entries.len();
    let foreseen: Vec<(String, Option<String>, Foreseen)> = stream::iter(entries)
        .map(|entry| async move {
            let foreseen = match entry.recipient {
                Err(faults) => Foreseen::Refused(faults),
                Ok(recipient) => {
                    let member = members.get(&recipient.email);
                    let one = One { template: one.template, settings: one.settings, member };
                    foresee(app, &one, by, recipient).await?
                }
            };
            Ok::<_, StoreError>((entry.email, entry.external_id, foreseen))
        })
        .buffered(CONCURRENCY)
        .try_collect()
        .await?;
    let mut seen: HashMap<CredentialId, String> = HashMap::new();
    let (mut new, mut duplicates, mut invalid) = (0, 0, 0);
    let mut rows = Vec::with_capacity(total);
    for (number, (email, external_id, mut foreseen)) in (1_u32..).zip(foreseen) {
        let mut row = json!({ "row": number, "email": email });
        if let Foreseen::New { id, .. } = &foreseen
            && let Some(first) = seen.get(id)
        {
            foreseen = foreseen.after(first);
        }
        let outcome = match foreseen {
            Foreseen::New { id, internal, also_holds, content, repeats: repeated } => {
                seen.entry(id).or_insert(content);
                if repeated {
                    duplicates += 1
                } else {
                    new += 1
                }
                json!({
                    "outcome": if repeated { "duplicate" } else { "new" },
                    "credential_id": id,
                    "recipient_type": if internal { "internal" } else { "external" },
                    "also_holds": also_holds,
                })
            }
            Foreseen::Duplicate { credential, also_holds, .. } => {
                duplicates += 1;
                json!({
                    "outcome": "duplicate",
                    "credential_id": credential.id,
                    "credential_url": Credential::url(&app.config.site_url, credential.id),
                    "recipient_type": credential.recipient_type,
                    "also_holds": also_holds,
                })
            }
            Foreseen::Refused(faults) => {
                invalid += 1;
                refused(&faults, call.lang)
            }
        };
        if let (Some(row), Value::Object(outcome)) = (row.as_object_mut(), outcome) {
            row.extend(outcome);
            if let Some(external_id) = external_id {
                row.insert("external_id".to_owned(), external_id.into());
            }
        }
        rows.push(row);
    }
    ok(&json!({
        "mode": "dry_run", "total": total, "new": new, "duplicates": duplicates,
        "invalid": invalid, "recipients": rows,
    }))
}

fn refused(faults: &[Fault], lang: Lang) -> Value {
    json!({
        "outcome": "invalid",
        "errors": faults.iter().map(|f| f.text(lang)).collect::<Vec<_>>(),
        "error_codes": faults.iter().map(Fault::code).collect::<Vec<_>>(),
    })
}
