//! An organization and its settings.

use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};
use serde::{Deserialize, Serialize};

use crate::domain::{
    email::EmailAddress,
    fields::{Fields, InvalidBody},
    ids::OrgId,
    image::{Image, ImageInput},
    lang::Lang,
    nearest::nearest,
    public_hides::{self, Hidden},
    retention::Retention,
    sender::AllowedSender,
    web_address::normal_url,
};

/// Most bytes of the address of an organization's site.
const MAX_URL: usize = 2_048;

/// An issuing organization.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Organization {
    /// Version of this item's format.
    pub v: u32,
    /// Short name; never changes.
    pub org: OrgId,
    /// Its settings.
    pub settings: Settings,
    /// When it was created, RFC 3339.
    pub created_at: String,
    /// The senders that the operator allows it. Organizations of before this list have none: the
    /// sender of their settings is the one that they may use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub senders: Option<Vec<AllowedSender>>,
    /// The time zone that it had before its settings were first changed by a release that keeps days
    /// on credentials: the one of the days of credentials from before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undated_zone: Option<String>,
}

/// The settings of an organization.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// Name that people read.
    pub name: String,
    /// Language of mail when neither recipient nor template names one.
    pub language: Lang,
    /// IANA time zone of the dates that people read.
    pub time_zone: String,
    /// Sender of mail; SES must have verified the address or its domain.
    pub sender: EmailAddress,
    /// Address for answers, if it is another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<EmailAddress>,
    /// Whether members get mail about a new credential in their wallet.
    pub notify_members: bool,
    /// Its logo, on pages, certificates and mail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logo: Option<Image>,
    /// Its number at LinkedIn, which links a profile to the organization's page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub linkedin_id: Option<u64>,
    /// Its own site, which its public pages link.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub website: Option<String>,
    /// The address for questions about its credentials, which its public pages show.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<EmailAddress>,
    /// What its public pages leave out, in the order of [`Hidden::ALL`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub public_hides: Vec<Hidden>,
    /// How long it keeps what it no longer needs.
    #[serde(default, skip_serializing_if = "Retention::is_default")]
    pub retention: Retention,
}

impl Settings {
    /// Default settings with a name and a sender.
    pub fn new(name: &str, sender: EmailAddress) -> Self {
        Self {
            name: name.to_owned(),
            language: Lang::Es,
            time_zone: "UTC".to_owned(),
            sender,
            reply_to: None,
            notify_members: true,
            logo: None,
            linkedin_id: None,
            website: None,
            contact: None,
            public_hides: Vec::new(),
            retention: Retention::default(),
        }
    }

    /// The day in the organization's time zone.
    pub fn date_of(&self, instant: Timestamp) -> Date {
        instant.to_zoned_datetime(zone_named(&self.time_zone)).date()
    }

    /// The last second of a day in the organization's time zone; none at the end of time.
    pub fn last_second_of(&self, day: Date) -> Option<Timestamp> {
        let next = day.checked_add(1.day()).ok()?;
        let midnight = next.to_zoned_datetime(zone_named(&self.time_zone)).ok()?;
        midnight.timestamp().checked_sub(1.second()).ok()
    }

    /// Reads new settings; an absent field keeps its value in `before`. Null removes
    /// `reply_to`, `linkedin_id`, `website`, `contact`, `logo`, `public_hides` and `retention`. The caller stores a new logo and sets it.
    ///
    /// # Errors
    /// [`InvalidBody::Fields`] with every fault.
    pub fn read(
        mut fields: Fields,
        before: Option<&Self>,
    ) -> Result<(Self, ImageInput), InvalidBody> {
        fields.ignore(&["id", "created_at", "allowed_senders"]);
        let name = match before {
            None => fields.required_name("name"),
            Some(before) => fields.name("name").or_else(|| Some(before.name.clone())),
        };
        let kept = before.map_or(Lang::Es, |b| b.language);
        let language = fields.language("language").unwrap_or(kept);
        let time_zone = fields
            .text("time_zone", 64)
            .unwrap_or_else(|| before.map_or_else(|| "UTC".to_owned(), |b| b.time_zone.clone()));
        if TimeZone::get(&time_zone).is_err() {
            let zones: Vec<_> = jiff::tz::db().available().collect();
            fields.fault_near(
                "time_zone",
                "unknown_time_zone",
                "El campo time_zone debe ser una zona horaria IANA, por ejemplo America/Santiago",
                "The field time_zone must be an IANA time zone, for example America/Santiago",
                nearest(&time_zone, zones.iter().map(|zone| zone.as_str())),
            );
        }
        let kept = before.map(|b| &b.sender);
        let sender = match (address(&mut fields, "sender", kept), before) {
            (Some(sender), _) => Some(sender),
            (None, Some(before)) => Some(before.sender.clone()),
            (None, None) => {
                fields.missing("sender");
                None
            }
        };
        let kept = before.and_then(|b| b.reply_to.as_ref());
        let reply_to = optional_address(&mut fields, "reply_to", kept);
        let kept = before.and_then(|b| b.contact.as_ref());
        let contact = optional_address(&mut fields, "contact", kept);
        let kept = before.and_then(|b| b.website.as_ref());
        let website = website(&mut fields, kept);
        let notify_members = fields
            .boolean("notify_members")
            .unwrap_or_else(|| before.is_none_or(|b| b.notify_members));
        let linkedin_id = if fields.take_null("linkedin_id") {
            None
        } else {
            let kept = before.and_then(|b| b.linkedin_id);
            fields.whole("linkedin_id", 1, 1_000_000_000_000).or(kept)
        };
        let public_hides = public_hides::take(&mut fields)
            .unwrap_or_else(|| before.map(|b| b.public_hides.clone()).unwrap_or_default());
        let kept = before.map(|b| b.retention).unwrap_or_default();
        let retention = Retention::take(&mut fields, kept);
        let given = ImageInput::take(&mut fields, "logo");
        let logo = match given {
            ImageInput::Absent => before.and_then(|b| b.logo.clone()),
            ImageInput::None
            | ImageInput::New(_)
            | ImageInput::Drawing(_)
            | ImageInput::Known(_) => None,
        };
        fields.end()?;
        match (name, sender) {
            (Some(name), Some(sender)) => {
                let settings = Self {
                    name,
                    language,
                    time_zone,
                    sender,
                    reply_to,
                    notify_members,
                    logo,
                    linkedin_id,
                    website,
                    contact,
                    public_hides,
                    retention,
                };
                Ok((settings, given))
            }
            _ => Err(InvalidBody::fields(Vec::new())),
        }
    }
}

/// The time zone of this name; UTC without one.
fn zone_named(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap_or(TimeZone::UTC)
}

/// Reads an optional address; a new one is under a domain that somebody can own.
fn address(fields: &mut Fields, name: &str, kept: Option<&EmailAddress>) -> Option<EmailAddress> {
    let text = fields.text(name, 320)?;
    let address = EmailAddress::parse(&text)
        .ok()
        .filter(|address| Some(address) == kept || address.can_be_owned());
    if address.is_none() {
        let text = format!("Invalid email: {text}");
        fields.fault(name, "invalid_email", text.clone(), text);
    }
    address
}

/// Reads an optional address that null removes and an absent field keeps.
fn optional_address(
    fields: &mut Fields,
    name: &str,
    kept: Option<&EmailAddress>,
) -> Option<EmailAddress> {
    match fields.take_null(name) {
        true => None,
        false => address(fields, name, kept).or_else(|| kept.cloned()),
    }
}

/// Reads the organization's site, an absolute address of the web.
fn website(fields: &mut Fields, kept: Option<&String>) -> Option<String> {
    const NAME: &str = "website";
    if fields.take_null(NAME) {
        return None;
    }
    let Some(text) = fields.text(NAME, MAX_URL) else {
        return kept.cloned();
    };
    let url = normal_url(&text).filter(|url| url.len() <= MAX_URL);
    if url.is_none() {
        fields.fault(
            NAME,
            "invalid_url",
            "El campo website debe ser una URL absoluta que empiece por http:// o https://",
            "The field website must be an absolute URL that begins with http:// or https://",
        );
    }
    url
}

impl Organization {
    /// The senders that it may use.
    pub fn allowed_senders(&self) -> Vec<AllowedSender> {
        match &self.senders {
            Some(senders) => senders.clone(),
            None => vec![AllowedSender::of(&self.settings.sender)],
        }
    }

    /// Whether it may send mail as an address.
    pub fn may_send_as(&self, sender: &EmailAddress) -> bool {
        self.allowed_senders().iter().any(|allowed| allowed.allows(sender))
    }

    /// The answer of `GET /organization`.
    pub fn answer(&self, site_url: &str) -> serde_json::Value {
        let s = &self.settings;
        let logo = s.logo.as_ref().map(|logo| logo.id.url(site_url));
        serde_json::json!({
            "id": self.org, "name": s.name, "language": s.language, "time_zone": s.time_zone,
            "sender": s.sender, "allowed_senders": self.allowed_senders(), "reply_to": s.reply_to, "notify_members": s.notify_members,
            "logo": logo, "linkedin_id": s.linkedin_id, "website": s.website, "contact": s.contact, "public_hides": s.public_hides,
            "retention": {
                "jobs_days": s.retention.jobs_days, "files_days": s.retention.files_days,
                "ended_credentials_days": s.retention.ended_credentials_days,
            },
            "created_at": self.created_at,
        })
    }

    /// The day in the organization's time zone.
    pub fn date_of(&self, instant: Timestamp) -> Date {
        self.settings.date_of(instant)
    }

    /// The day in the time zone of credentials from before days were kept on them.
    pub fn undated_date_of(&self, instant: Timestamp) -> Date {
        let zone = self.undated_zone.as_ref().unwrap_or(&self.settings.time_zone);
        instant.to_zoned_datetime(zone_named(zone)).date()
    }
}
