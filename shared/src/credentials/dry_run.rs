//! The dry run of one recipient: issuing up to its first write.
//!
//! Reads only. The result is true for the instant: a credential issued afterwards makes a new
//! one a duplicate.

use futures::future::try_join;

use crate::{
    app::App,
    credentials::{
        found,
        issue::{self, IssueRequest},
        sign::{self, Issuer},
    },
    domain::{
        credential::{Credential, Status},
        fault::Fault,
        identity,
        ids::{CredentialId, TemplateId},
    },
    store::StoreError,
};

/// Credentials of an address that are searched for others of the template.
const LOOKED_AT: usize = 50;
/// Other credentials that are named.
pub const NAMED: usize = 5;

/// The outcome that issuing a recipient would have.
#[derive(Debug)]
pub enum Foreseen {
    /// The recipient would have this credential.
    New {
        /// Its id.
        id: CredentialId,
        /// Whether the content as it was sent has another id.
        alias: bool,
        /// Whether the recipient is a member.
        internal: bool,
        /// Other credentials of the template that the address holds.
        also_holds: Vec<CredentialId>,
        /// Keyed hash of its content.
        content: String,
        /// Whether an earlier row would have it; false until the rows are compared.
        repeats: bool,
    },
    /// The recipient has this credential already.
    Duplicate {
        /// The credential.
        credential: Box<Credential>,
        /// Whether it has another id than the content as it was sent.
        alias: bool,
        /// Other credentials of the template that the address holds.
        also_holds: Vec<CredentialId>,
    },
    /// The recipient would be refused.
    Refused(Vec<Fault>),
}

impl Foreseen {
    /// Returns the outcome of a new one when an earlier row would have its credential, with
    /// this content.
    pub fn after(self, first: &str) -> Self {
        match self {
            Self::New { id, content, .. } if content != first => {
                Self::Refused(vec![Fault::ExternalIdTaken(id.to_string())])
            }
            Self::New { id, alias, internal, also_holds, content, .. } => {
                Self::New { id, alias, internal, also_holds, content, repeats: true }
            }
            other => other,
        }
    }
}

/// Runs [`issue::issue`] up to its first write.
///
/// # Errors
/// [`StoreError`] of the reads.
pub async fn foresee(
    app: &App,
    by: Issuer<'_>,
    request: IssueRequest<'_>,
) -> Result<Foreseen, StoreError> {
    let template = request.template.id;
    let checked = match issue::check(by, request) {
        Ok(checked) => checked,
        Err(faults) => return Ok(Foreseen::Refused(faults)),
    };
    if let Err(error) = sign::can_be_signed(app, by, checked.draft()) {
        return Ok(Foreseen::Refused(vec![error.into_fault()?]));
    }
    let identities = &checked.identities;
    let own = identities.own.id;
    let email_key = identity::email_key(by.secret, by.org, by.mode, &checked.recipient().email);
    let (found, held) = try_join(
        found::find(app, identities),
        app.credentials.by_email(&email_key, None, None, LOOKED_AT),
    )
    .await?;
    let held_by = found.as_ref().map_or(own, |credential| credential.id);
    let others: Vec<CredentialId> = held.items.into_iter().filter(|id| *id != held_by).collect();
    let also_holds = of_template(app, template, &others).await?;
    if found.is_none() && !checked.doubts.is_empty() {
        return Ok(Foreseen::Refused(checked.doubts));
    }
    let Some(credential) = found.map(Box::new) else {
        return Ok(Foreseen::New {
            id: own,
            alias: identities.alias().is_some(),
            internal: checked.member().is_some(),
            also_holds,
            content: identities.own.content.clone(),
            repeats: false,
        });
    };
    let today = checked.days.issued_on;
    Ok(match found::duplicate(app, identities, today, &credential).await? {
        Ok(()) => {
            let alias = credential.id != identities.sent_id();
            Foreseen::Duplicate { credential, alias, also_holds }
        }
        Err(fault) => Foreseen::Refused(vec![fault]),
    })
}

/// Returns at most [`NAMED`] of these credentials that are of the template and not revoked.
async fn of_template(
    app: &App,
    template: TemplateId,
    ids: &[CredentialId],
) -> Result<Vec<CredentialId>, StoreError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let held = app.credentials.get_all(ids).await?;
    let same = held.iter().filter(|c| c.template_id == template && c.status != Status::Revoked);
    Ok(same.map(|credential| credential.id).take(NAMED).collect())
}
