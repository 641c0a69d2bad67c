//! The operations of the functions that need no key: `page`, `render`, `claim`. A sample of certificates, which `render` draws,
//! needs one.

use serde_json::{Value, json};
use unicreda::http::routes::{Claim, Page, Render};

use crate::{
    operation::Operation,
    schema::{file, has, may, object, of, string},
};

/// The media types in which a signed document is served.
const DOCUMENT: [&str; 4] =
    ["application/json", "application/vc", "application/ld+json", "application/vc+ld+json"];

fn page(id: &'static str, summary: &'static str) -> Operation {
    Operation::new(id, "Public pages", summary)
}

fn document(id: &'static str, summary: &'static str) -> Operation {
    Operation::new(id, "Public documents", summary)
}

/// A file with one media type.
fn one(kind: &'static str, schema: Value) -> Vec<(&'static str, Value)> {
    vec![(kind, schema)]
}

/// The operation of an endpoint of `page`.
pub fn of_page(endpoint: Page) -> Operation {
    let did = |id, summary| {
        document(id, summary).serves(
            "The document",
            &[],
            one("application/did+ld+json", of("DidDocument")),
        )
    };
    match endpoint {
        Page::StatusList => document("getStatusList", "Serves a status list")
            .serves("The list", &[], one("application/vc", of("StatusList")))
            .finds()
            .page(404, "No such list"),
        Page::DidDocument => {
            did("getDidDocument", "Serves the DID document of an organization").finds()
        }
        Page::TestDidDocument => {
            did("getTestDidDocument", "Serves the DID document of test credentials").finds()
        }
        Page::SiteDidDocument => did("getSiteDidDocument", "Serves the DID document of the site"),
        Page::Achievement => achievement(),
        Page::Image => document("getImage", "Serves an image of an organization")
            .serves("The image", &[], vec![("image/png", file()), ("image/svg+xml", string())])
            .finds(),
        Page::VerifyForm => {
            page("getVerifyForm", "Shows the form that checks a credential").page(200, "The form")
        }
        Page::VerifyFile => verify_file(),
        Page::Wallet => page("getWallet", "Shows the wallet of a person")
            .page(200, "The wallet")
            .page(404, "The link is over"),
        Page::Robots => page("getRobots", "Tells crawlers where they may go").serves(
            "The rules",
            &[],
            one("text/plain", string()),
        ),
        Page::Console => page("getConsole", "Shows the console").page(200, "The console"),
        Page::QrCode => document("getQrCode", "Draws the address of a credential as a QR code")
            .serves("The code", &[], one("image/svg+xml", string()))
            .finds()
            .problem(403, &["credential_unavailable"])
            .problem(410, &["erased"]),
        Page::Credential => credential(),
        Page::Exchange => document("exchangeCredential", "Hands a credential to a wallet")
            .takes_anything()
            .answers_with(
                200,
                "A presentation of it",
                &["ETag"],
                one("application/json", of("Presentation")),
            )
            .finds()
            .problem(403, &["credential_unavailable"])
            .problem(410, &["erased", "revoked"]),
        Page::Home => page("getHome", "Says whose site this is").page(200, "The page"),
        Page::Favicon => page("getFavicon", "Serves the site's icon").serves(
            "The icon",
            &[],
            one("image/x-icon", file()),
        ),
        Page::SecurityTxt => document("getSecurityTxt", "Says whom to tell about a vulnerability")
            .serves("RFC 9116", &[], one("text/plain", string()))
            .finds(),
        Page::OpenApi => document("getOpenApi", "Describes the API").serves(
            "This document",
            &[],
            one("application/json", json!({ "type": "object", "additionalProperties": true })),
        ),
    }
}

fn achievement() -> Operation {
    let mut content = vec![("text/html", string())];
    content.extend(
        ["application/json", "application/ld+json"].map(|kind| (kind, of("AchievementDocument"))),
    );
    document("getAchievement", "Shows an achievement, or serves it as JSON")
        .answers_with(200, "A page, or the achievement", &["Maybe-ETag"], content)
        .answers_with(304, "The client has it", &["ETag"], Vec::new())
        .finds()
        .page(404, "No such achievement")
}

fn credential() -> Operation {
    let json = json!({ "anyOf": [of("SignedDocument"), of("Protocols")] });
    let mut content = vec![("text/html", string())];
    content.extend(DOCUMENT.map(|kind| match kind {
        "application/json" => (kind, json.clone()),
        kind => (kind, of("SignedDocument")),
    }));
    document("getPublicCredential", "Shows a credential, or serves its signed document")
        .answers_with(
            200,
            "A page, the document, or with `iuv=1` the protocols for wallets",
            &["Maybe-ETag", "Maybe-Content-Disposition"],
            content,
        )
        .answers_with(301, "The address that a mistyped one means", &["Location"], Vec::new())
        .answers_with(304, "The client has it", &["ETag", "Maybe-Content-Disposition"], Vec::new())
        .finds()
        .page(404, "No such credential")
        .problem(403, &["credential_unavailable"])
        .page(403, "It is blocked")
        .problem(410, &["erased", "revoked"])
        .page(410, "It was erased")
        .page(503, "A failure that is likely to pass")
}

fn verify_file() -> Operation {
    let file = object([may("file", file()), may("text", string())]);
    let text = object([has("text", string())]);
    page("checkCredential", "Checks a file or an address for people")
        .form(vec![("multipart/form-data", file), ("application/x-www-form-urlencoded", text)])
        .page(200, "The verdict")
        .page(400, "The form is empty")
        .page(403, "It is blocked")
        .page(404, "No such credential")
        .page(410, "It was erased")
        .page(413, "Too large")
        .page(415, "No form")
        .page(422, "It cannot be read")
}

/// The operation of an endpoint of `render`.
pub fn of_render(endpoint: Render) -> Operation {
    let drawn = |id, summary, kind, schema| {
        document(id, summary)
            .serves("The file", &["Content-Disposition", "X-Unknown-Letters"], one(kind, schema))
            .page(403, "It is blocked")
            .page(404, "No such credential")
            .page(410, "It was erased")
    };
    match endpoint {
        Render::Certificate => {
            drawn("getCertificate", "Draws the certificate", "application/pdf", file())
        }
        Render::Badge => {
            drawn("getBadge", "Bakes the credential into its badge", "image/png", file())
        }
        Render::BadgeDrawing => drawn(
            "getBadgeDrawing",
            "Bakes the credential into its badge as a drawing",
            "image/svg+xml",
            string(),
        ),
        Render::Preview => drawn("getPreview", "Draws the preview of a link", "image/png", file()),
        Render::Seal => document("getSeal", "Draws the seal of an achievement")
            .serves("The seal", &[], one("image/png", file()))
            .finds(),
        Render::Sample => {
            Operation::new("previewTemplate", "Templates", "Draws a sample of its certificates")
                .takes("PreviewRequest")
                .answers_with(
                    200,
                    "The sample",
                    &["ETag", "Content-Disposition"],
                    vec![("application/pdf", file()), ("image/png", file())],
                )
                .finds()
        }
    }
}

/// The operation of an endpoint of `claim`.
pub fn of_claim(endpoint: Claim) -> Operation {
    match endpoint {
        Claim::WalletForm => {
            page("getWalletForm", "Shows the form that asks for links to one's wallets")
                .page(200, "The form")
        }
        Claim::WalletMail => page("requestWallets", "Queues a mail with links to one's wallets")
            .form(vec![("application/x-www-form-urlencoded", object([has("email", string())]))])
            .page(200, "The same answer whether the site knows the address or not")
            .page(400, "No address")
            .page(503, "The site sends no mail of its own"),
    }
}
