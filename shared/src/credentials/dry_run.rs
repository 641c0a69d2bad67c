//! The dry run of one recipient: issuing up to its first write.
//!
//! Reads only. The result is true for the instant: a credential issued afterwards makes a new
//! one a duplicate.

use futures::future::try_join;

use crate::{
    app::App,
    credentials::{
        found::{self, Found},
        issue::{self, IssueRequest},
        sign::{self, Issuer},
    },
    domain::{
        credential::{Credential, Status},
        fault::Fault,
        identity,
        ids::{CredentialId, TemplateId},
        recipient::Recipient,
        spelling::{Alike, Difference, Known, Person},
        warning::Elsewhere,
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
        /// The person that it is about.
        person: Option<Person>,
        /// Where that person seems to be already: among the credentials of the address; rows are added
        /// when they are compared.
        alike: Vec<Alike>,
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
        /// The person that it is about.
        person: Option<Person>,
        /// Rows where that person seems to be too.
        alike: Vec<Alike>,
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
            Self::New { id, alias, internal, also_holds, person, content, .. } => Self::New {
                id,
                alias,
                internal,
                also_holds,
                person,
                alike: Vec::new(),
                content,
                repeats: true,
            },
            other => other,
        }
    }

    /// The person of a recipient that has or would have a credential; none of one that repeats an
    /// earlier row.
    pub fn person(&self) -> Option<&Person> {
        match self {
            Self::New { person, repeats: false, .. } | Self::Duplicate { person, .. } => {
                person.as_ref()
            }
            Self::New { .. } | Self::Refused(_) => None,
        }
    }

    /// Notes a row where the person seems to be too; one of each kind of warning is enough.
    pub fn note(&mut self, further: Alike) {
        if let Self::New { alike, .. } | Self::Duplicate { alike, .. } = self
            && !alike.iter().any(|known| known.kind == further.kind)
        {
            alike.push(further);
        }
    }

    /// Where the person seems to be too.
    pub fn alike(&self) -> &[Alike] {
        match self {
            Self::New { alike, .. } | Self::Duplicate { alike, .. } => alike,
            Self::Refused(_) => &[],
        }
    }
}

/// The person that a recipient, completed, is about; none without a name.
fn person_of(recipient: &Recipient) -> Option<Person> {
    Some(Person {
        address: recipient.email.clone(),
        name: recipient.recipient_name.clone()?,
        external_id: recipient.external_id.clone(),
    })
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
    let (template, reissue) = (request.template.id, request.reissue);
    let checked = match issue::check(by, request) {
        Ok(checked) => checked,
        Err(faults) => return Ok(Foreseen::Refused(faults)),
    };
    if let Err(error) = sign::can_be_signed(app, by, checked.draft()) {
        return Ok(Foreseen::Refused(vec![error.into_fault()?]));
    }
    let identities = &checked.identities;
    let mut own = identities.own.id;
    let email_key = identity::email_key(by.secret, by.org, by.mode, &checked.recipient().email);
    let (found, held) = try_join(
        found::find(app, by.secret, identities),
        app.credentials.by_email(&email_key, None, None, LOOKED_AT),
    )
    .await?;
    let (found, again) = match found {
        Found::Credential { credential, again } => (Some(credential), again),
        // It would be issued again, under the id that follows.
        Found::Erased { next, .. } if reissue => {
            own = next;
            (None, true)
        }
        Found::Erased { id, .. } => {
            return Ok(Foreseen::Refused(vec![Fault::Erased(id.to_string())]));
        }
        Found::Nothing => (None, false),
    };
    let held_by = found.as_ref().map_or(own, |credential| credential.id);
    let others: Vec<CredentialId> = held.items.into_iter().filter(|id| *id != held_by).collect();
    let held = credentials(app, &others).await?;
    let person = person_of(checked.recipient());
    let also_holds = of_template(&held, template);
    if found.is_none() && !checked.doubts.is_empty() {
        return Ok(Foreseen::Refused(checked.doubts));
    }
    let Some(credential) = found else {
        return Ok(Foreseen::New {
            id: own,
            alias: again || identities.alias().is_some(),
            internal: checked.member().is_some(),
            also_holds,
            alike: alike_among(person.as_ref(), &held, template),
            person,
            content: identities.own.content.clone(),
            repeats: false,
        });
    };
    Ok(match found::duplicate(app, identities, checked.asked(), &credential, again).await? {
        Ok(()) => {
            let alias = credential.id != identities.sent_id();
            Foreseen::Duplicate { credential, alias, also_holds, person, alike: Vec::new() }
        }
        Err(fault) => Foreseen::Refused(vec![fault]),
    })
}

/// These credentials, without those that are revoked.
async fn credentials(app: &App, ids: &[CredentialId]) -> Result<Vec<Credential>, StoreError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut held = app.credentials.get_all(ids).await?;
    held.retain(|credential| credential.status != Status::Revoked);
    Ok(held)
}

/// Returns at most [`NAMED`] of these credentials, those of the template.
fn of_template(held: &[Credential], template: TemplateId) -> Vec<CredentialId> {
    let same = held.iter().filter(|credential| credential.template_id == template);
    same.map(|credential| credential.id).take(NAMED).collect()
}

/// The first of these credentials of a person's address that spells the name in another way: one of
/// the template in any way, one of another template in its letters. There, capitals and accents
/// are the habit of a list.
fn alike_among(person: Option<&Person>, held: &[Credential], template: TemplateId) -> Vec<Alike> {
    let Some(person) = person else { return Vec::new() };
    let is_of = |credential: &Credential| credential.template_id == template;
    let (same, others): (Vec<_>, Vec<_>) = held.iter().partition(|credential| is_of(credential));
    let first = |among: Vec<&Credential>, counts: fn(Difference) -> bool| {
        among.into_iter().find_map(|credential| {
            let name = credential.recipient.recipient_name.as_deref()?;
            let at = Elsewhere::Credential(credential.id);
            person
                .beside(&Known { at, at_line: None, name })
                .filter(|(_, difference)| counts(*difference))
        })
    };
    let found = first(same, |_| true).or_else(|| first(others, |d| d == Difference::Letters));
    found.map(|(alike, _)| alike).into_iter().collect()
}
