//! What a check of a document found, and its sentence in a language.

use crate::domain::{lang::Lang, text::shortened, unportable::Unportable};

/// Characters of a reason that names a place in a document.
const SHOWN_REASON: usize = 300;

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// An earlier check failed.
    Skipped,
    /// A member is there twice, at this place.
    Repeats(Option<String>),
    /// Other JSON-LD contexts.
    Contexts,
    /// Another type.
    NoCredential,
    /// The id is not of this service.
    OtherId,
    /// The shape is right.
    Document,
    /// The issuer is not of this service.
    ForeignIssuer,
    /// There is no proof of the suite.
    NoProof,
    /// The key is not the issuer's.
    UnknownKey,
    /// The key was declared compromised.
    CompromisedKey,
    /// A key of this DID signed it.
    Issuer(String),
    /// The signature is right.
    Signature,
    /// A part that the signature does not cover.
    Uncovered(Option<Unportable>),
    /// The signature is not that of the content.
    Altered,
    /// The period has not begun.
    NotYet,
    /// The period has ended.
    Ended,
    /// Within the period.
    InPeriod,
    /// The period has no end.
    Endless,
    /// The status list is not the issuer's, or not there.
    NoList,
    /// The bit is clear.
    NotRevoked,
    /// Suspended.
    Suspended,
    /// Revoked.
    Revoked,
    /// A later version took its place.
    Replaced,
    /// A later version took its place, and was revoked.
    ReplacedAndRevoked,
}

impl Outcome {
    /// The same without anything that the document says.
    pub fn plain(self) -> Self {
        match self {
            Self::Repeats(_) => Self::Repeats(None),
            Self::Uncovered(_) => Self::Uncovered(None),
            outcome => outcome,
        }
    }

    /// The sentence in a language.
    pub fn text(&self, lang: Lang) -> String {
        let texts = &lang.texts().checks;
        let text = match self {
            Self::Repeats(Some(place)) => return (texts.repeats)(place),
            Self::Issuer(did) => return (texts.issuer)(did),
            Self::Uncovered(Some(why)) => {
                return (texts.uncovered)(&shortened(&why.cause(lang), SHOWN_REASON));
            }
            Self::Repeats(None) => texts.repeats_some,
            Self::Uncovered(None) => texts.uncovered_some,
            Self::Skipped => texts.skipped,
            Self::Contexts => texts.contexts,
            Self::NoCredential => texts.no_credential,
            Self::OtherId => texts.other_id,
            Self::Document => texts.document,
            Self::ForeignIssuer => texts.foreign_issuer,
            Self::NoProof => texts.no_proof,
            Self::UnknownKey => texts.unknown_key,
            Self::CompromisedKey => texts.compromised_key,
            Self::Signature => texts.signature,
            Self::Altered => texts.altered,
            Self::NotYet => texts.not_yet,
            Self::Ended => texts.ended,
            Self::InPeriod => texts.in_period,
            Self::Endless => texts.endless,
            Self::NoList => texts.no_list,
            Self::NotRevoked => texts.not_revoked,
            Self::Suspended => texts.suspended,
            Self::Revoked => texts.revoked,
            Self::Replaced => texts.replaced,
            Self::ReplacedAndRevoked => texts.replaced_and_revoked,
        };
        text.to_owned()
    }
}
