//! Certificates of many credentials, for the function `print`: each is drawn as `GET` of its certificate draws it.

use std::sync::atomic::{AtomicUsize, Ordering};

use jiff::Timestamp;
use unicreda::{
    App,
    domain::{credential::Credential, lang::Lang, print::LeftOut},
    jobs::print::{Certificate, Printer},
    store::StoreError,
    web::view::State,
};

use crate::{
    Drawn, Found, content,
    pictures::{Known, Sources},
    written,
};

/// Draws certificates, and keeps the pictures that they share.
#[derive(Debug, Default)]
pub struct CertificatePrinter {
    pictures: Known,
    drawn: AtomicUsize,
}

impl CertificatePrinter {
    /// How many it has drawn.
    pub fn drawn(&self) -> usize {
        self.drawn.load(Ordering::Relaxed)
    }
}

impl Printer for CertificatePrinter {
    async fn draw(
        &self,
        app: &App,
        credential: Credential,
        lang: Lang,
        now: Timestamp,
    ) -> Result<Result<Certificate, LeftOut>, StoreError> {
        let sources = Sources { known: Some(&self.pictures), ..Sources::default() };
        let found = content(app, credential, Drawn::Certificate, now, sources).await?;
        let Found::Content(content) = found else { return Ok(Err(LeftOut::NotVerified)) };
        if content.shown.state == State::Unverified {
            return Ok(Err(LeftOut::NotVerified));
        }
        let id = &content.shown.id;
        match written(&content, Drawn::Certificate, lang) {
            Ok(file) => {
                self.drawn.fetch_add(1, Ordering::Relaxed);
                if !file.unknown.is_empty() {
                    tracing::warn!(credential_id = %id, letters = file.unknown.len(), "letters without a font drawn as code points");
                }
                Ok(Ok(Certificate { name: content.shown.recipient_name, pdf: file.bytes }))
            }
            Err(problem) => {
                let cause = problem.cause.map(|cause| cause.to_string()).unwrap_or_default();
                tracing::error!(credential_id = %id, cause, "certificate not drawn");
                Ok(Err(LeftOut::NotDrawn))
            }
        }
    }
}
