//! Verifies a document as somebody has it: the text that a service answered, a person saved, or a file carried.
//! Nothing is written, so it can be repeated.

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::{
    app::App,
    credentials::verify::{self, Standing, Verification},
    domain::{
        erasure::Stored,
        fields::{Fields, InvalidBody},
        json::{self, Bounds, Repeated},
    },
    store::StoreError,
};

/// The type of a presentation (Verifiable Credentials 2.0 §4.13).
const PRESENTATION: &str = "VerifiablePresentation";

/// A document that was read from a text.
pub struct DocumentText {
    /// Its members.
    pub members: Map<String, Value>,
    /// The place of a member that it repeats, if it does.
    repeated: Option<String>,
    /// Whether it is a presentation of several credentials, of which none is chosen.
    pub presents_several: bool,
}

impl DocumentText {
    /// Reads a text.
    ///
    /// # Errors
    /// [`InvalidBody`]: not UTF-8, not JSON, too deep, no object.
    pub fn read(text: &[u8]) -> Result<Self, InvalidBody> {
        let text = json::text(text).ok_or(InvalidBody::NotUtf8)?;
        let survey = json::survey(text, &Bounds::BODY).map_err(InvalidBody::from)?;
        let members = Fields::of_text(text)?.into_members();
        Ok(Self::surveyed(members, survey.repeated.first()))
    }

    /// A document within a text that was surveyed, with a member that it repeats. Of a presentation it is the
    /// credential inside.
    pub fn surveyed(members: Map<String, Value>, repeated: Option<&Repeated>) -> Self {
        let (members, presents_several) = presented(members);
        Self { members, repeated: repeated.map(Repeated::pointer), presents_several }
    }

    /// Verifies it.
    ///
    /// # Errors
    /// Those of the store. A document at fault is a result, not an error.
    pub async fn verify(&self, app: &App, now: Timestamp) -> Result<Verification, StoreError> {
        match &self.repeated {
            Some(place) => Ok(verify::ambiguous(app, &self.members, place)),
            None => verify::verify(app, &self.members, now).await,
        }
    }
}

/// The credential that a presentation has, such as the answer of an exchange; whatever else it is, unchanged.
/// True for a presentation of several.
fn presented(members: Map<String, Value>) -> (Map<String, Value>, bool) {
    let presentation = match members.get("verifiablePresentation") {
        Some(Value::Object(inner)) => inner,
        _ => &members,
    };
    let is_presentation = match presentation.get("type") {
        Some(Value::Array(types)) => types.iter().any(|one| one == PRESENTATION),
        Some(one) => one == PRESENTATION,
        None => false,
    };
    let held = presentation.get("verifiableCredential").filter(|_| is_presentation);
    match held {
        Some(Value::Object(one)) => (one.clone(), false),
        Some(Value::Array(held)) => match held.as_slice() {
            [Value::Object(one)] => (one.clone(), false),
            [_, _, ..] => (members, true),
            _ => (members, false),
        },
        _ => (members, false),
    }
}

/// What is stored of the credential of a document that its issuer signed.
///
/// # Errors
/// Those of the store.
pub async fn stored(app: &App, of: &Verification) -> Result<Option<Stored>, StoreError> {
    match of.credential.filter(|_| of.standing != Standing::Invalid) {
        Some(id) => app.credentials.stored(id).await,
        None => Ok(None),
    }
}
