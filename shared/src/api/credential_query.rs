//! What a list of credentials asks for: how they are found, and which of them it shows.

use jiff::Timestamp;

use crate::{
    domain::{
        credential::{Credential, Origin, Status},
        email::EmailAddress,
        erasure::Tombstone,
        fields::FieldError,
        ids::{CredentialId, JobId, TemplateId},
        nearest::nearest,
        recipient::MAX_EXTERNAL_ID,
        text::{cleaned, sent_text},
        time,
    },
    http::{
        parameters::{EMAIL, EXTERNAL_ID, ISSUED_AFTER, JOB_ID, Parameter, Q, STATUS, TEMPLATE_ID},
        problem::Problem,
        serve::Call,
    },
};

/// How the credentials of a list are found.
#[derive(Debug, Default)]
pub(super) enum Source {
    /// All, by time.
    #[default]
    Time,
    /// Those of an address.
    Email(EmailAddress),
    /// Those that a job issued.
    Job(JobId),
    /// The one of an id; if there is none, those of the same text as `external_id`.
    Id(CredentialId, String),
    /// Those of an `external_id` in normal form 1.
    ExternalId(String),
}

/// The credentials that a list asks for.
#[derive(Debug, Default)]
pub(super) struct Query {
    pub(super) source: Source,
    /// The second after which they were issued, RFC 3339.
    after: Option<String>,
    filters: Filters,
}

/// The filters of a credential list that no index serves.
#[derive(Debug, Default)]
struct Filters {
    template: Option<TemplateId>,
    external_id: Option<String>,
    job: Option<JobId>,
    status: Option<Wanted>,
}

/// The status that is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    Of(Status),
    Erased,
}

/// Faults of parameters.
#[derive(Default)]
struct Faults(Vec<FieldError>);

impl Faults {
    fn add(&mut self, parameter: Parameter, es: &str, en: &str) {
        self.0.push(FieldError::new(parameter.name, "invalid_parameter", es, en));
    }

    /// Reads a parameter that is a UUID.
    fn id<T, E>(
        &mut self,
        call: &Call,
        parameter: Parameter,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let id = call.query(parameter).map(parse)?.ok();
        if id.is_none() {
            let name = parameter.name;
            let es = format!("El parámetro {name} debe ser un UUID");
            self.add(parameter, &es, &format!("The parameter {name} must be a UUID"));
        }
        id
    }
}

impl Query {
    /// All credentials of an address.
    pub(super) fn of(email: EmailAddress) -> Self {
        Self { source: Source::Email(email), ..Self::default() }
    }

    /// Reads the parameters of a request.
    ///
    /// # Errors
    /// `invalid_request`, with every fault.
    pub(super) fn read(call: &Call) -> Result<Self, Problem> {
        let mut faults = Faults::default();
        let filters = Filters::read(call, &mut faults);
        let looked_up = looked_up(call, &mut faults);
        let email = call.query(EMAIL).map(EmailAddress::parse);
        if matches!(email, Some(Err(_))) {
            let text = format!("Invalid email: {}", call.query(EMAIL).unwrap_or_default());
            faults.0.push(FieldError::new("email", "invalid_email", text.clone(), text));
        }
        let after = call.query(ISSUED_AFTER).map(|text| {
            text.parse::<Timestamp>().or_else(|_| format!("{text}T00:00:00Z").parse::<Timestamp>())
        });
        if matches!(after, Some(Err(_))) {
            faults.add(
                ISSUED_AFTER,
                "El parámetro issued_after debe ser un instante RFC 3339 o una fecha AAAA-MM-DD",
                "The parameter issued_after must be an RFC 3339 instant or a date YYYY-MM-DD",
            );
        }
        if !faults.0.is_empty() {
            return Err(Problem::invalid_request(faults.0));
        }
        let source = match (looked_up, email.and_then(Result::ok), filters.job) {
            (Some(source), ..) => source,
            (None, Some(email), _) => Source::Email(email),
            (None, None, Some(job)) => Source::Job(job),
            (None, None, None) => Source::Time,
        };
        let after = after.and_then(Result::ok).map(time::seconds);
        Ok(Self { source, after, filters })
    }

    /// The template that is asked for.
    pub(super) fn template(&self) -> Option<TemplateId> {
        self.filters.template
    }

    /// The sort key after which an index is read: `~` sorts behind every id of that second.
    pub(super) fn since(&self) -> Option<String> {
        self.after.as_ref().map(|second| format!("{second}~"))
    }

    /// Whether the list shows only some of those that are found.
    pub(super) fn filters(&self) -> bool {
        let Filters { template, external_id, job, status } = &self.filters;
        let by_job = match self.source {
            Source::Job(_) => self.after.is_some(),
            Source::Time | Source::Email(_) | Source::Id(..) | Source::ExternalId(_) => {
                job.is_some()
            }
        };
        template.is_some() || external_id.is_some() || status.is_some() || by_job
    }

    /// Whether the list shows a credential.
    pub(super) fn admits(&self, credential: &Credential) -> bool {
        let Filters { template, external_id, job, status } = &self.filters;
        template.is_none_or(|id| id == credential.template_id)
            && status.is_none_or(|wanted| wanted == Wanted::Of(credential.status))
            && job
                .is_none_or(|id| matches!(credential.origin, Origin::Job { job, .. } if job == id))
            && self.after.as_ref().is_none_or(|after| credential.issued_at > *after)
            && external_id.as_ref().is_none_or(|id| {
                // As it was sent, or cleaned.
                let own = credential.recipient.external_id.as_ref();
                own.is_some_and(|own| own == id || *own == cleaned(id))
            })
    }

    /// Whether the list shows what is left of a credential. Of its content and its job it does not know.
    pub(super) fn admits_erased(&self, tombstone: &Tombstone) -> bool {
        let Filters { template, external_id, job, status } = &self.filters;
        let looked_up = matches!(self.source, Source::Id(..) | Source::ExternalId(_));
        template.is_none_or(|id| id == tombstone.template_id)
            && status.is_none_or(|wanted| wanted == Wanted::Erased)
            && external_id.is_none()
            && job.is_none()
            && !looked_up
    }
}

/// Reads `q`: an address, else the id of a credential, else an `external_id`.
fn looked_up(call: &Call, faults: &mut Faults) -> Option<Source> {
    let q = call.query(Q)?;
    for besides in [EMAIL, EXTERNAL_ID] {
        if call.query(besides).is_some() {
            let name = besides.name;
            faults.add(
                besides,
                &format!("Los parámetros q y {name} no van juntos: q ya busca por él"),
                &format!("The parameters q and {name} exclude each other: q looks it up"),
            );
        }
    }
    if let Ok(email) = EmailAddress::parse(q) {
        return Some(Source::Email(email));
    }
    let Ok(Some(text)) = sent_text(q, MAX_EXTERNAL_ID) else {
        faults.add(
            Q,
            "El parámetro q debe ser una dirección, el id de una credencial o un external_id, de hasta 128 caracteres",
            "The parameter q must be an address, the id of a credential or an external_id, of up to 128 characters",
        );
        return None;
    };
    Some(match CredentialId::parse(&text) {
        Ok(id) => Source::Id(id, text),
        Err(_) => Source::ExternalId(text),
    })
}

impl Filters {
    fn read(call: &Call, faults: &mut Faults) -> Self {
        let template = faults.id(call, TEMPLATE_ID, TemplateId::parse);
        let job = faults.id(call, JOB_ID, JobId::parse);
        let sent = call.query(STATUS);
        let status = sent.map(|text| match text {
            "issued" => Some(Wanted::Of(Status::Issued)),
            "suspended" => Some(Wanted::Of(Status::Suspended)),
            "revoked" => Some(Wanted::Of(Status::Revoked)),
            "erased" => Some(Wanted::Erased),
            _ => None,
        });
        if matches!(status, Some(None)) {
            let fault = FieldError::new(
                STATUS.name,
                "invalid_parameter",
                "El parámetro status debe ser issued, suspended, revoked o erased",
                "The parameter status must be issued, suspended, revoked or erased",
            );
            let known = ["issued", "suspended", "revoked", "erased"];
            faults.0.push(fault.hint(nearest(sent.unwrap_or_default(), known)));
        }
        let external_id = call.query(EXTERNAL_ID).map(str::to_owned);
        Self { template, external_id, job, status: status.flatten() }
    }
}
