//! The view of a credential that page, certificate, preview and badge share: read once, with a
//! check of the signed document.

use std::sync::Arc;

use jiff::{Timestamp, civil::Date};
use serde_json::{Map, Value};

use crate::{
    app::App,
    credentials::{
        as_signed::AsSigned,
        days::{self, Days},
        verify::{self, Finding, Standing, Verification},
    },
    document::{self, achievement::AchievementVersion},
    domain::{
        achievement::Alignment,
        credential::{Credential, Status},
        credits::Credits,
        custom::CustomValue,
        custom_field::CustomLabel,
        design::Design,
        email::EmailAddress,
        field::FieldName,
        ids::{Mode, TemplateId},
        image::Image,
        lang::Lang,
        organization::Organization,
        public_hides::Hidden,
        recipient::{Evidence, FieldValue, Recipient},
        short_name::without_surname,
        template::Template,
        text::first,
    },
    store::StoreError,
    web::{
        certificate_facts::{self, CertificateFact},
        linkedin::{self, Certification},
        seal,
    },
};

/// The state of a credential, as it is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// In force.
    Issued,
    /// Past its last day.
    Expired,
    /// Not in force for now.
    Suspended,
    /// Withdrawn for good.
    Revoked,
    /// Not signed, or its signature is not valid.
    Unverified,
}

/// The value of a recipient's field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// A text.
    Text(String),
    /// Credits.
    Credits(Credits),
    /// A day.
    Date(Date),
}

impl Fact {
    /// Returns the fact of a field; `None` for the evidence, which the view has apart.
    pub(super) fn of(recipient: &Recipient, field: FieldName) -> Option<(FieldName, Self)> {
        let fact = match recipient.value(field)? {
            FieldValue::Text(text) => Self::Text(text.to_owned()),
            FieldValue::Credits(credits) => Self::Credits(credits),
            FieldValue::Date(day) => Self::Date(day),
            FieldValue::Evidence(_) => return None,
        };
        Some((field, fact))
    }

    /// Writes the value in a language.
    pub fn text(&self, lang: Lang) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Credits(credits) => lang.decimal(credits),
            Self::Date(day) => lang.date(*day),
        }
    }
}

/// The view of a credential. Dates are days without a time zone.
#[derive(Clone)]
pub struct CredentialView {
    /// The credential's id.
    pub id: String,
    /// The page's own address; `.json` behind it is the document, `/{file}` the files.
    pub url: String,
    /// Its state.
    pub state: State,
    /// Made with a test key.
    pub test: bool,
    /// No credential at all, but a sample of the template's certificates.
    pub sample: bool,
    /// The name of the issuer, as signed.
    pub organization: String,
    /// The initials of the seal.
    pub initials: String,
    /// The organization's logo.
    pub logo: Option<Image>,
    /// The host that signs for it: that of this site, as its DID has it.
    pub host: String,
    /// The organization's own site.
    pub website: Option<String>,
    /// The address for questions about its credentials.
    pub contact: Option<EmailAddress>,
    /// The organization's number at LinkedIn.
    pub linkedin_id: Option<u64>,
    /// The template, whose seal it is.
    pub template: TemplateId,
    /// The achievement's own badge.
    pub badge: Option<Image>,
    /// The recipient's name, as far as the organization shows it.
    pub recipient_name: Option<String>,
    /// The name of the achievement.
    pub name: String,
    /// The description of the achievement; may be empty.
    pub description: String,
    /// The criteria of the achievement.
    pub criteria: Option<String>,
    /// The recipient's fields among the facts, in the order of [`FieldName::FACTS`].
    pub facts: Vec<(FieldName, Fact)>,
    /// The template's own facts that are signed, by their labels in both languages.
    pub custom: Vec<(CustomLabel, CustomValue)>,
    /// The day of issue, in the organization's time zone.
    pub issued_on: Option<Date>,
    /// The day of the award, if the recipient has one of its own.
    pub awarded_on: Option<Date>,
    /// The last day on which it is valid, in the organization's time zone.
    pub expires_on: Option<Date>,
    /// The skills and standards that the achievement covers.
    pub skills: Vec<Alignment>,
    /// The page of the achievement, in the version of this credential.
    pub achievement_url: String,
    /// The work behind the achievement.
    pub evidence: Vec<Evidence>,
    /// What the credential has and the view leaves out, because its organization hides it.
    pub hidden: Vec<Hidden>,
    /// The day since which it is suspended or revoked, in the organization's time zone, if that is known.
    pub status_on: Option<Date>,
    /// The day of its last correction, in the organization's time zone.
    pub corrected_on: Option<Date>,
    /// The checks of its signed document; empty without one.
    pub checks: Vec<Finding>,
    /// The day of those checks, in the organization's time zone.
    pub checked_on: Date,
    /// The language of its template, else of its organization: the second one of a certificate whose design has two and of which the
    /// second was asked for ([`Design::languages`]).
    pub lang: Lang,
    /// The design of its certificate: that of its template's version and of its organization as of issue.
    pub design: Design,
    /// What its certificate shows beside the days, chosen, ordered and labelled by its design.
    pub certificate_facts: Vec<CertificateFact>,
}

impl CredentialView {
    /// The word across a certificate that is none: of a sample, or of a test.
    pub fn watermark(&self, lang: Lang) -> Option<&'static str> {
        match (self.sample, self.test) {
            (true, _) => Some(lang.texts().sample_watermark),
            (false, true) => Some(lang.texts().test_watermark),
            (false, false) => None,
        }
    }

    /// Draws the inside of the achievement's seal, its name on the ring; `id` is that of its line.
    pub fn seal(&self, id: &str) -> String {
        let ring = seal::Ring { id, words: &self.name };
        seal::seal(&self.template.to_string(), &self.initials, Some(ring))
    }

    /// The days of the credential in reading order, with the name of each: of the award, of the issue
    /// where that is another, and of the end.
    pub fn days(&self, lang: Lang) -> Vec<(&'static str, Date)> {
        let ends = match self.state {
            State::Expired => lang.texts().facts.expired_on,
            State::Issued | State::Suspended | State::Revoked | State::Unverified => {
                FieldName::ValidUntil.label(lang)
            }
        };
        let issued_on = self.issued_on.filter(|on| self.awarded_on != Some(*on));
        let days = [
            (FieldName::AwardedOn.label(lang), self.awarded_on),
            (lang.texts().facts.issued_on, issued_on),
            (ends, self.expires_on),
        ];
        days.into_iter().filter_map(|(name, day)| Some((name, day?))).collect()
    }

    /// The skills in one line of a certificate: the first ones that fit, and the number of the others.
    pub fn skills_line(&self, lang: Lang) -> Option<String> {
        const MOST: usize = 170;
        let mut line = lang.texts().facts.skills.to_owned();
        let mut left = self.skills.len();
        for skill in &self.skills {
            let name = words(&skill.name, MOST / 2);
            if left < self.skills.len() && line.chars().count() + name.chars().count() > MOST {
                break;
            }
            if left < self.skills.len() {
                line.push_str(" · ");
            }
            line.push_str(&name);
            left -= 1;
        }
        if left > 0 {
            line.push_str(&(lang.texts().facts.more_skills)(left));
        }
        (!self.skills.is_empty()).then_some(line)
    }

    /// Whether a wallet gets it: it has a document, and was not revoked.
    pub fn goes_to_wallets(&self) -> bool {
        !self.checks.is_empty() && self.state != State::Revoked
    }

    /// Returns the link that adds it to a LinkedIn profile; `None` if it is a test or not in force.
    pub fn linkedin(&self) -> Option<String> {
        let in_force = self.state == State::Issued && !self.test;
        in_force.then(|| {
            linkedin::linkedin(&Certification {
                name: &self.name,
                organization: &self.organization,
                linkedin_id: self.linkedin_id,
                issued_on: self.awarded_on.or(self.issued_on),
                expires_on: self.expires_on,
                url: &self.url,
                id: &self.id,
            })
        })
    }
}

/// A credential with all that its view needs.
pub struct LoadedCredential {
    /// The credential.
    pub credential: Credential,
    /// Its signed document, byte for byte; `None` if it is from before signing.
    pub document: Option<Vec<u8>>,
    organization: Arc<Organization>,
    template: Arc<Template>,
    /// Name of the issuer, as signed.
    issuer: String,
    /// Logo of the issuer, as signed.
    logo: Option<Image>,
    /// Its days.
    days: Days,
    /// The design of its certificate.
    design: Design,
    /// The check of the document.
    verification: Option<Verification>,
}

impl LoadedCredential {
    /// Reads what the view of a credential needs, and checks its document.
    ///
    /// # Errors
    /// [`StoreError::Broken`] without its template or with an unreadable document; those of the
    /// store.
    pub async fn read(
        app: &App,
        credential: Credential,
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        let organization = app.catalog.organization(&credential.org).await?;
        let org = &credential.org;
        let (template, of_organization) = tokio::try_join!(
            app.catalog.template_version(org, credential.template_id, credential.template_version),
            app.catalog.design(org, Some(&credential.issued_at)),
        )?;
        let template =
            template.ok_or(StoreError::Broken("credential without template".to_owned()))?;
        let design = Design::of(
            of_organization.as_ref().map(|found| &found.design),
            template.definition.design.as_ref(),
        );
        let days = days::of(app, &credential).await?;
        let mut found = Self {
            issuer: organization.settings.name.clone(),
            document: app.status_lists.document(&credential.signed).await?,
            credential,
            organization,
            template,
            logo: None,
            days,
            design,
            verification: None,
        };
        if let Some(document) = &found.document {
            let document: Map<String, Value> = serde_json::from_slice(document)
                .map_err(|_| StoreError::Broken("not a document".to_owned()))?;
            let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
            let name = document.get("issuer").and_then(|issuer| issuer.get("name"));
            found.issuer = text(name).unwrap_or(found.issuer);
            found.logo =
                AsSigned::of(app, &found.organization.settings, found.credential.mode, &document)
                    .await?
                    .settings
                    .logo;
            found.verification = Some(verify::verify(app, &document, now).await?);
        }
        Ok(found)
    }

    /// The language in which its recipient got mail: for readers that ask for none.
    pub fn lang(&self) -> Lang {
        let of_template = self.template.definition.language;
        let language = self.credential.recipient.language.or(of_template);
        language.unwrap_or(self.organization.settings.language)
    }

    /// Makes the view.
    pub fn shown(&self, site_url: &str, now: Timestamp) -> CredentialView {
        let (c, d) = (&self.credential, &self.template.definition);
        let settings = &self.organization.settings;
        let (r, hidden) = publicly(&c.recipient, &settings.public_hides);
        let standing = self.verification.as_ref().map(|v| v.standing);
        let day = |at: &str| Some(self.organization.date_of(at.parse::<Timestamp>().ok()?));
        let facts: Vec<_> =
            FieldName::FACTS.into_iter().filter_map(|field| Fact::of(&r, field)).collect();
        let certificate_facts =
            certificate_facts::of(&self.design, &facts, &d.custom_fields, &r.custom);
        CredentialView {
            id: c.id.to_string(),
            url: Credential::url(site_url, c.id),
            state: match (c.status, standing) {
                (Status::Revoked, _) => State::Revoked,
                (Status::Suspended, _) => State::Suspended,
                (Status::Issued, Some(Standing::Issued)) => State::Issued,
                (Status::Issued, Some(Standing::Expired)) => State::Expired,
                (Status::Issued, _) => State::Unverified,
            },
            test: c.mode == Mode::Test,
            sample: false,
            organization: self.issuer.clone(),
            initials: seal::initials(document::unmarked(c.mode, &self.issuer)),
            logo: self.logo.clone(),
            host: host_of(site_url),
            website: settings.website.clone(),
            contact: settings.contact.clone(),
            linkedin_id: settings.linkedin_id,
            template: c.template_id,
            badge: d.achievement.image.clone(),
            recipient_name: r.recipient_name.clone(),
            name: d.name.clone(),
            description: d.description.clone(),
            criteria: d.achievement.criteria.clone(),
            facts,
            custom: d
                .custom_fields
                .iter()
                .filter_map(|field| Some((field.label.clone(), r.custom.get(&field.key)?.clone())))
                .collect(),
            issued_on: self.days.issued_on,
            awarded_on: self.days.awarded_on,
            expires_on: self.days.expires_on,
            skills: d.achievement.alignments.clone(),
            achievement_url: AchievementVersion {
                site_url,
                org: &c.org,
                template: c.template_id,
                version: c.template_version,
                definition: d,
            }
            .url(),
            evidence: r.evidence,
            hidden,
            status_on: status_on(c, &self.organization),
            corrected_on: c.corrected_at.as_deref().and_then(day),
            checks: self.verification.as_ref().map(|v| v.findings.clone()).unwrap_or_default(),
            checked_on: self.organization.date_of(now),
            lang: d.language.unwrap_or(settings.language),
            design: self.design.clone(),
            certificate_facts,
        }
    }
}

/// The day since which a credential is suspended or revoked, in its organization's time zone, if that is known.
pub fn status_on(credential: &Credential, organization: &Organization) -> Option<Date> {
    Some(organization.date_of(credential.status_at.as_deref()?.parse::<Timestamp>().ok()?))
}

/// The host of an address, with its port if it has one.
pub fn host_of(url: &str) -> String {
    let host = url.split("://").nth(1).unwrap_or(url).split(['/', '?', '#']).next();
    host.unwrap_or_default().to_owned()
}

/// What everybody may see of a recipient, and what of it was left out. The member's wallet and
/// letters, and all that is signed, have the whole.
pub(super) fn publicly(recipient: &Recipient, hides: &[Hidden]) -> (Recipient, Vec<Hidden>) {
    let mut shown = recipient.clone();
    let mut hidden = Vec::new();
    for part in hides {
        let before = shown.clone();
        match part {
            Hidden::Evidence => shown.evidence.clear(),
            Hidden::Grade => shown.result_value = None,
            Hidden::Surname => {
                let short = shown.recipient_name.as_deref().map(without_surname);
                shown.recipient_name = short.filter(|name| !name.is_empty());
            }
        }
        if shown != before {
            hidden.push(*part);
        }
    }
    (shown, hidden)
}

/// The first words of a text, at most so many characters.
fn words(text: &str, most: usize) -> String {
    let start = first(text, most);
    if start.len() == text.len() {
        return text.to_owned();
    }
    let end = start.rfind(char::is_whitespace).unwrap_or(start.len());
    format!("{}…", start.get(..end).unwrap_or(start).trim_end())
}
