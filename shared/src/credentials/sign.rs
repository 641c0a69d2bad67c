//! Signing: the document of a credential, and the status lists.
//!
//! Safe to repeat: every attempt takes a status index of its own and signs a document of its
//! own, and only the one whose put wins is ever shown. Indexes of the others stay unused.

use crate::credentials::status_indexes::{CACHED, Dictionary, FIRST_BLOCK, Kind, LARGEST_BLOCK};
use std::sync::Arc;

use jiff::{ToSpan, civil::Date, tz::TimeZone};
use serde_json::{Map, Value};

use crate::{
    app::App,
    aws::kms::Signer,
    document::{
        self, Content, did,
        linked_data::{self, Contexts},
        proof::Unsigned,
        status_list::{self, Bits},
    },
    domain::{
        credential::Packed,
        fault::Unportable,
        identity::{self, IdSecret},
        ids::{CredentialId, Mode, OrgId},
        organization::Settings,
        packing,
        recipient::Recipient,
        status_entry::{LENGTH, ListId, StatusEntry},
        template::Template,
        time,
    },
    store::{StoreError, status_lists::List},
};

/// Why a document is not signed.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// The recipient's or template's texts cannot be signed so that all verifiers agree.
    #[error(transparent)]
    Unportable(#[from] Unportable),
    /// Store or key are out of reach, or broken.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a credential's document is made from.
#[derive(Debug)]
pub struct Material<'a> {
    /// Issuer.
    pub org: &'a OrgId,
    /// Live or test.
    pub mode: Mode,
    /// Its secret for ids.
    pub secret: &'a IdSecret,
    /// Its settings.
    pub settings: &'a Settings,
    /// Template version.
    pub template: &'a Template,
    /// The credential's id.
    pub id: CredentialId,
    /// The recipient, profile filled in.
    pub recipient: &'a Recipient,
    /// `validFrom`, RFC 3339 to the second.
    pub issued_at: &'a str,
}

/// Makes and signs a document under a status index of its own.
///
/// # Errors
/// [`SignError`].
pub async fn sign(app: &App, of: &Material<'_>) -> Result<Packed, SignError> {
    let signer = signer(app, of.org, of.mode).await?;
    let place = take_place(app, of, &signer).await?;
    let site_url = &app.config.site_url;
    let issuer = did::of(site_url, of.org, of.mode);
    let valid_until = last_second(of);
    let salt = identity::salt(of.secret, of.id);
    let content = Content {
        site_url,
        issuer: &issuer,
        issuer_name: &of.settings.name,
        issuer_logo: of.settings.logo.as_ref(),
        org: of.org,
        mode: of.mode,
        id: of.id,
        template_id: of.template.id,
        definition: &of.template.definition,
        recipient: of.recipient,
        subject: identity::subject(of.secret, of.org, of.mode, &of.recipient.email),
        salt: &salt,
        valid_from: of.issued_at,
        valid_until: valid_until.as_deref(),
        status: place,
    };
    let signed = prove(app, document::build(&content), &signer, &issuer).await?;
    let text = to_bytes(&signed)?;
    let dictionary = dictionary(app, of.template, &content, &signer).await?;
    let packed =
        packing::pack(&text, &dictionary.text).map_err(|e| StoreError::Broken(e.to_string()))?;
    Ok(Packed {
        document: packed,
        dictionary: dictionary.name.clone(),
        status_list: place.list,
        status_index: place.index,
    })
}

/// Whether a document could be signed so that all verifiers agree; takes no status index.
///
/// # Errors
/// [`SignError`].
pub fn can_be_signed(app: &App, of: &Material<'_>) -> Result<(), SignError> {
    let site_url = &app.config.site_url;
    let issuer = did::of(site_url, of.org, of.mode);
    let valid_until = last_second(of);
    let salt = identity::salt(of.secret, of.id);
    let document = document::build(&Content {
        site_url,
        issuer: &issuer,
        issuer_name: &of.settings.name,
        issuer_logo: of.settings.logo.as_ref(),
        org: of.org,
        mode: of.mode,
        id: of.id,
        template_id: of.template.id,
        definition: &of.template.definition,
        recipient: of.recipient,
        subject: identity::subject(of.secret, of.org, of.mode, &of.recipient.email),
        salt: &salt,
        valid_from: of.issued_at,
        valid_until: valid_until.as_deref(),
        status: StatusEntry { list: 0, index: 0 },
    });
    linked_data::canonical(&document, Contexts::Issued)?;
    Ok(())
}

/// Somebody with every field, whose document is the dictionary of all of its kind.
const SPECIMEN: &str = r#"{"email":"a@b.cl","recipient_name":"a","result_value":"a","credits_earned":6.5,
    "evidence":[{"name":"a","url":"https://","description":"a"}],"role":"Estudiante","license_number":"a",
    "term":"2026-1","activity_start_date":"2026-01-01","activity_end_date":"2026-12-31"}"#;

/// The dictionary of a document's kind, kept in the table before it is used and at hand from
/// then on. One that another name of the organization is in serves as well: what was packed
/// names the dictionary that it was packed with.
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
    // Held while it is written: the first rows of a process are many at once.
    let mut kept = app.indexes.dictionaries.lock().await;
    if let Some(found) = kept.get(&kind) {
        return Ok(Arc::clone(found));
    }
    let text = specimen(of, &signer.multikey)?;
    let name = app.status_lists.keep_dictionary(&text).await?;
    let made = Arc::new(Dictionary { name, text });
    if kept.len() >= CACHED {
        kept.clear();
    }
    kept.insert(kind, Arc::clone(&made));
    Ok(made)
}

/// What all documents of a template version, a list and a key have in common: their
/// dictionary.
///
/// # Errors
/// Never in practice.
pub fn specimen(of: &Content<'_>, multikey: &str) -> Result<Vec<u8>, StoreError> {
    let broken = |e: serde_json::Error| StoreError::Broken(e.to_string());
    let recipient: Recipient = serde_json::from_str(SPECIMEN).map_err(broken)?;
    let common = document::build(&Content {
        id: CredentialId::from(uuid::Uuid::nil()),
        recipient: &recipient,
        subject: uuid::Uuid::nil(),
        salt: "",
        valid_from: "2026-01-01T00:00:00Z",
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

/// The last second of validity, in UTC: the end of the last day in the organization's zone.
fn last_second(of: &Material<'_>) -> Option<String> {
    let zone = TimeZone::get(&of.settings.time_zone).unwrap_or(TimeZone::UTC);
    let issued = of.issued_at.parse::<jiff::Timestamp>().ok()?.to_zoned_datetime(zone.clone());
    let last: Date = of.template.definition.expires_on(issued.date())?;
    let next = last.checked_add(1.day()).ok()?.to_zoned_datetime(zone).ok()?;
    Some(time::seconds(next.timestamp().checked_sub(1.second()).ok()?))
}

/// The key that an organization signs with now.
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

/// Takes a status index whose list is there to be read.
async fn take_place(
    app: &App,
    of: &Material<'_>,
    signer: &Signer,
) -> Result<StatusEntry, SignError> {
    let mut blocks = app.indexes.blocks.lock().await;
    let block = blocks.entry((of.org.clone(), of.mode)).or_default();
    if block.left.is_empty() {
        let count = (block.last * 2).clamp(FIRST_BLOCK, LARGEST_BLOCK);
        let first = app.status_lists.take(of.org, of.mode, count).await?;
        for n in [first, first + count - 1] {
            let number = u32::try_from(n / u64::from(LENGTH)).unwrap_or(u32::MAX);
            if !block.lists.contains(&number) {
                let list = ListId { org: of.org.clone(), mode: of.mode, number };
                ensure_list(app, &list, signer).await?;
                block.lists.insert(number);
            }
        }
        block.left = first..first + count;
        block.last = count;
    }
    let n = block.left.next().ok_or(StoreError::Broken("no status index".to_owned()))?;
    Ok(status_list::entry(of.secret, of.org, of.mode, n))
}

/// Signs and keeps a list of which no bit is set, unless the list is there.
async fn ensure_list(app: &App, id: &ListId, signer: &Signer) -> Result<(), SignError> {
    if app.status_lists.list(id).await?.is_none() {
        let list = signed_list(app, id, &Bits::default(), 1, signer).await?;
        app.status_lists.create_list(id, &list).await?;
    }
    Ok(())
}

/// The next version of a list, signed with the key of now.
///
/// # Errors
/// [`SignError`].
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
