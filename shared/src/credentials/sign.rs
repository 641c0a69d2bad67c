//! Signs the documents of credentials, and the status lists.
//!
//! Safe to repeat: each attempt takes its own status index and signs its own document, and only
//! the document whose put wins is ever shown. The indexes of the others stay unused.

use std::sync::Arc;

use jiff::{Timestamp, civil::Date};
use serde_json::{Map, Value};

use crate::{
    app::App,
    aws::kms::Signer,
    credentials::status_indexes::{Dictionary, Kind},
    document::{
        self, Content, alignments, did,
        linked_data::{self, Contexts},
        proof::Unsigned,
        status_list::{self, Bits},
    },
    domain::{
        credential::Packed,
        fault::{Fault, Unportable},
        identity::{self, IdSecret},
        ids::{CredentialId, Mode, OrgId},
        organization::Settings,
        packing,
        recipient::Recipient,
        status_entry::{ListId, StatusEntry},
        template::Template,
        time,
    },
    store::{StoreError, status_lists::List},
};

/// The reason why a document is not signed.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// The recipient's or template's texts cannot be signed so that all verifiers agree.
    #[error(transparent)]
    Unportable(#[from] Unportable),
    /// Store or key are out of reach, or broken.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl SignError {
    /// Returns the fault of a recipient that cannot be signed.
    ///
    /// # Errors
    /// [`SignError::Store`]'s.
    pub fn into_fault(self) -> Result<Fault, StoreError> {
        match self {
            Self::Unportable(why) => Ok(Fault::NotSignable(why)),
            Self::Store(error) => Err(error),
        }
    }
}

/// The organization that issues, in one mode.
#[derive(Clone, Copy, Debug)]
pub struct Issuer<'a> {
    /// Organization.
    pub org: &'a OrgId,
    /// Live or test.
    pub mode: Mode,
    /// The organization's secret for ids.
    pub secret: &'a IdSecret,
    /// The organization's settings.
    pub settings: &'a Settings,
}

/// The credential that a document is made from.
#[derive(Clone, Copy, Debug)]
pub struct Draft<'a> {
    /// Template version.
    pub template: &'a Template,
    /// The credential's id.
    pub id: CredentialId,
    /// The recipient, profile filled in.
    pub recipient: &'a Recipient,
    /// `validFrom`, RFC 3339 to the second.
    pub valid_from: &'a str,
    /// `awardedDate`: the day of the award.
    pub awarded_on: Option<Date>,
    /// `validUntil`: the last second of its validity, if it ends.
    pub valid_until: Option<Timestamp>,
}

/// Derived texts that a document borrows.
struct Derived {
    issuer: String,
    valid_until: Option<String>,
    salt: String,
}

impl Derived {
    fn of(app: &App, by: Issuer<'_>, draft: Draft<'_>) -> Self {
        Self {
            issuer: did::of(&app.config.site_url, by.org, by.mode),
            valid_until: draft.valid_until.map(time::seconds),
            salt: identity::salt(by.secret, draft.id),
        }
    }

    fn content<'a>(
        &'a self,
        app: &'a App,
        by: Issuer<'a>,
        draft: Draft<'a>,
        status: StatusEntry,
    ) -> Content<'a> {
        Content {
            site_url: &app.config.site_url,
            issuer: &self.issuer,
            issuer_name: &by.settings.name,
            issuer_logo: by.settings.logo.as_ref(),
            org: by.org,
            mode: by.mode,
            id: draft.id,
            template_id: draft.template.id,
            template_version: draft.template.version,
            definition: &draft.template.definition,
            recipient: draft.recipient,
            subject: identity::subject(by.secret, by.org, by.mode, &draft.recipient.email),
            salt: &self.salt,
            valid_from: draft.valid_from,
            awarded_on: draft.awarded_on,
            valid_until: self.valid_until.as_deref(),
            status,
        }
    }
}

/// Builds and signs a document under a status index of its own.
///
/// # Errors
/// [`SignError`]: the texts are unportable, or the store or the key fails.
pub async fn sign(app: &App, by: Issuer<'_>, draft: Draft<'_>) -> Result<Packed, SignError> {
    let signer = signer(app, by.org, by.mode).await?;
    let entry = take_entry(app, by, &signer).await?;
    let derived = Derived::of(app, by, draft);
    let content = derived.content(app, by, draft, entry);
    let alignments = app.indexes.alignments(&content.achievement());
    let key_id = did::key_id(&derived.issuer, &signer.multikey);
    let created = time::seconds(app.clock.now());
    let drawn = alignments::ToSign::new(&content, alignments.as_deref(), &key_id, &created)?;
    let signature = signer.sign(drawn.unsigned.to_sign()).await.map_err(StoreError::from)?;
    let text = drawn.signed(&signature).map_err(|e| StoreError::Broken(e.to_string()))?;
    let dictionary = dictionary(app, draft.template, &content, &signer).await?;
    let packed =
        packing::pack(&text, &dictionary.text).map_err(|e| StoreError::Broken(e.to_string()))?;
    Ok(Packed {
        document: packed,
        dictionary: dictionary.name.clone(),
        status_list: entry.list,
        status_index: entry.index,
    })
}

/// Checks that [`sign`] would find the texts portable. Takes no status index.
///
/// # Errors
/// [`SignError::Unportable`].
pub fn can_be_signed(app: &App, by: Issuer<'_>, draft: Draft<'_>) -> Result<(), SignError> {
    let derived = Derived::of(app, by, draft);
    let nowhere = StatusEntry { list: 0, index: 0 };
    let document = document::build(&derived.content(app, by, draft, nowhere));
    linked_data::canonical(&document, Contexts::Issued)?;
    Ok(())
}

/// A recipient with every field: its document is the dictionary of its kind.
const SPECIMEN: &str = r#"{"email":"a@b.cl","recipient_name":"a","result_value":"a","credits_earned":6.5,
    "evidence":[{"name":"a","url":"https://","description":"a"}],"role":"Estudiante","license_number":"a",
    "term":"2026-1","activity_start_date":"2026-01-01","activity_end_date":"2026-12-31"}"#;

/// Returns the dictionary of a document's kind, stored before its first use. A dictionary made
/// under an earlier name of the organization serves as well: a packed document names its own.
async fn dictionary(
    app: &App,
    template: &Template,
    of: &Content<'_>,
    signer: &Signer,
) -> Result<Arc<Dictionary>, StoreError> {
    let kind = Kind {
        template: template.id,
        version: template.version,
        list: of.status.list,
        multikey: signer.multikey.clone(),
    };
    // Locked while it is written: a process begins with many rows at once.
    let mut cached = app.indexes.dictionaries().await;
    if let Some(found) = cached.get(&kind) {
        return Ok(found);
    }
    let text = specimen(of, &signer.multikey)?;
    let name = app.status_lists.keep_dictionary(&text).await?;
    let made = Arc::new(Dictionary { name, text });
    cached.add(kind, Arc::clone(&made));
    Ok(made)
}

/// Builds the dictionary of a template version, a list and a key: the text that their documents
/// share.
///
/// # Errors
/// [`StoreError::Broken`] when JSON cannot be written, which no value of these types causes.
pub fn specimen(of: &Content<'_>, multikey: &str) -> Result<Vec<u8>, StoreError> {
    let broken = |e: serde_json::Error| StoreError::Broken(e.to_string());
    let mut recipient: Recipient = serde_json::from_str(SPECIMEN).map_err(broken)?;
    let public = of.definition.custom_fields.iter().filter(|field| !field.private);
    recipient.custom = public.map(|field| (field.key, field.example())).collect();
    let common = document::build(&Content {
        id: CredentialId::from(uuid::Uuid::nil()),
        recipient: &recipient,
        subject: uuid::Uuid::nil(),
        salt: "",
        valid_from: "2026-01-01T00:00:00Z",
        awarded_on: Some(jiff::civil::date(2026, 1, 1)),
        valid_until: Some("2027-01-01T00:00:00Z"),
        status: StatusEntry { list: of.status.list, index: 0 },
        ..*of
    });
    let key_id = did::key_id(of.issuer, multikey);
    let unsigned = Unsigned::unchecked(common, &key_id, "2026-01-01T00:00:00Z");
    to_bytes(&unsigned.signed(&[]))
}

fn to_bytes(document: &Map<String, Value>) -> Result<Vec<u8>, StoreError> {
    serde_json::to_vec(document).map_err(|e| StoreError::Broken(e.to_string()))
}

/// Returns the current signing key of an organization.
async fn signer(app: &App, org: &OrgId, mode: Mode) -> Result<Arc<Signer>, StoreError> {
    let key = app.catalog.signing_key(org, mode).await?;
    Ok(app.keys.signer(&key, org, mode).await?)
}

async fn prove(
    app: &App,
    document: Map<String, Value>,
    signer: &Signer,
    issuer: &str,
) -> Result<Map<String, Value>, SignError> {
    let key_id = did::key_id(issuer, &signer.multikey);
    let created = time::seconds(app.clock.now());
    let unsigned = Unsigned::new(document, &key_id, &created, Contexts::Issued)?;
    let signature = signer.sign(unsigned.to_sign()).await.map_err(StoreError::from)?;
    Ok(unsigned.signed(&signature))
}

/// Takes a status index. Its list is stored before the index is used.
async fn take_entry(app: &App, by: Issuer<'_>, signer: &Signer) -> Result<StatusEntry, SignError> {
    let mut block = app.indexes.block(by.org, by.mode).await;
    if block.is_used_up() {
        let count = block.next_count();
        let first = app.status_lists.take(by.org, by.mode, count).await?;
        let taken = first..first + count;
        for number in block.unknown_lists(&taken) {
            let list = ListId { org: by.org.clone(), mode: by.mode, number };
            ensure_list(app, &list, signer).await?;
            block.knows_list(number);
        }
        block.fill(taken);
    }
    let n = block.take().ok_or(StoreError::Broken("no status index".to_owned()))?;
    Ok(status_list::entry(by.secret, by.org, by.mode, n))
}

/// Signs and stores a list without a set bit, unless the list is stored.
async fn ensure_list(app: &App, id: &ListId, signer: &Signer) -> Result<(), SignError> {
    if app.status_lists.list(id).await?.is_none() {
        let list = signed_list(app, id, &Bits::default(), 1, signer).await?;
        app.status_lists.create_list(id, &list).await?;
    }
    Ok(())
}

/// Signs the next version of a list with the current key.
///
/// # Errors
/// [`SignError::Store`] when the list is broken or the store or the key fails.
pub async fn next_list(
    app: &App,
    id: &ListId,
    before: &List,
    change: impl FnOnce(&mut Bits),
) -> Result<List, SignError> {
    let document: Map<String, Value> = serde_json::from_slice(&before.document)
        .map_err(|_| StoreError::Broken("not a status list".to_owned()))?;
    let mut bits = status_list::bits_of(&document)
        .ok_or(StoreError::Broken("a status list without bits".to_owned()))?;
    change(&mut bits);
    let signer = signer(app, &id.org, id.mode).await?;
    signed_list(app, id, &bits, before.version + 1, &signer).await
}

async fn signed_list(
    app: &App,
    id: &ListId,
    bits: &Bits,
    version: u64,
    signer: &Signer,
) -> Result<List, SignError> {
    let issuer = did::of(&app.config.site_url, &id.org, id.mode);
    let now = app.clock.now();
    let document =
        status_list::document(id, &app.config.site_url, &issuer, bits, &time::seconds(now))
            .map_err(|e| StoreError::Broken(e.to_string()))?;
    let signed = prove(app, document, signer, &issuer).await?;
    Ok(List { v: 1, version, document: to_bytes(&signed)?, signed_at: time::millis(now) })
}
