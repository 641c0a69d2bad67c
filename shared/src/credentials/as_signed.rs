//! What the signed document of a credential says of its issuer, its beginning and its end: a later
//! change of the organization leaves that as it is.

use std::collections::HashSet;

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::{
    app::App,
    document::{proof, unmarked},
    domain::{
        credential::Credential,
        ids::Mode,
        image::{Image, ImageId},
        organization::Settings,
    },
    store::StoreError,
};

/// Issuer, beginning and end of a credential as they were signed.
#[derive(Clone, Debug)]
pub struct AsSigned {
    /// The organization's settings, with the name and logo of the document.
    pub settings: Settings,
    /// The beginning of the present version (`validFrom`).
    pub from: Option<Timestamp>,
    /// The end of validity, if it ends.
    pub until: Option<Timestamp>,
}

impl AsSigned {
    /// Reads them from a document. A logo that is another one by now is read from the store.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn of(
        app: &App,
        settings: &Settings,
        mode: Mode,
        document: &Map<String, Value>,
    ) -> Result<Self, StoreError> {
        let issuer = document.get("issuer");
        let name = issuer.and_then(|issuer| issuer.get("name")).and_then(Value::as_str);
        let logo = issuer.and_then(|issuer| issuer.pointer("/image/id")).and_then(Value::as_str);
        let logo: Option<Image> = match (logo.and_then(ImageId::of_url), &settings.logo) {
            (None, _) => None,
            (Some(id), Some(present)) if present.id == id => Some(present.clone()),
            (Some(id), _) => app.catalog.image(&id).await?.map(|(image, _)| image),
        };
        let name = name.map_or(settings.name.as_str(), |name| unmarked(mode, name)).to_owned();
        let instant = |name| document.get(name).and_then(Value::as_str)?.parse().ok();
        Ok(Self {
            settings: Settings { name, logo, ..settings.clone() },
            from: instant("validFrom"),
            until: instant("validUntil"),
        })
    }

    /// Reads them from the document of a credential; the present ones of one that was not signed.
    ///
    /// # Errors
    /// [`StoreError`], also for a document that is no JSON.
    pub async fn read(
        app: &App,
        settings: &Settings,
        credential: &Credential,
    ) -> Result<Self, StoreError> {
        let Some(document) = app.status_lists.document(&credential.signed).await? else {
            return Ok(Self { settings: settings.clone(), from: None, until: None });
        };
        let document: Map<String, Value> = serde_json::from_slice(&document)
            .map_err(|error| StoreError::Broken(error.to_string()))?;
        Self::of(app, settings, credential.mode, &document).await
    }
}

/// Whether the key that signed the present version of a credential was declared compromised.
///
/// # Errors
/// [`StoreError`], also for a document that is no JSON or has no proof.
pub async fn signed_by_compromised(app: &App, credential: &Credential) -> Result<bool, StoreError> {
    let document = app.status_lists.document(&credential.signed).await?.unwrap_or_default();
    let document: Map<String, Value> =
        serde_json::from_slice(&document).map_err(|error| StoreError::Broken(error.to_string()))?;
    let proof = proof::read(&document).map_err(|error| StoreError::Broken(error.to_string()))?;
    let keys = app.catalog.public_keys(&credential.org, credential.mode).await?;
    let compromised: HashSet<&str> = keys
        .iter()
        .filter(|key| key.compromised_at.is_some())
        .map(|key| key.multikey.as_str())
        .collect();
    let (_, multikey) = proof.key_id.split_once('#').unwrap_or_default();
    Ok(compromised.contains(multikey))
}
