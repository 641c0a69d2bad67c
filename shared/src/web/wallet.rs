//! The wallet of a member: every credential that the organization has given to their address,
//! in one mode.
//!
//! A notification leads there through a link that is sealed under a key of the organization and
//! ends after [`LIFETIME`]. It says who asks and until when, and nobody without the key reads
//! the address in it or makes another. Opening it changes and uses up nothing: mail scanners
//! follow links before people do. Nothing is stored for it either.

use std::time::Duration;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{Response, StatusCode};
use jiff::Timestamp;
use lambda_http::Body;

use crate::{app::App, domain::{credential::{Credential, Status}, email::EmailAddress, identity::{self, IdSecret}, ids::{Mode, OrgId}, lang::Lang, member::Member, organization::Organization, time}, api::{serve::Call, problem::Problem}, web::{pages::{self, WalletEntry, WalletPage}, public::html, view::State}, store::StoreError};

/// How long a link opens the wallet: 30 days. Each notification brings a new one.
pub const LIFETIME: Duration = Duration::from_secs(30 * 24 * 3_600);
/// Credentials on a page of the wallet.
const PAGE: usize = 50;
/// Longest link that is read: an address has 254 characters at most.
const MAX_TOKEN: usize = 600;

/// What a link says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pass {
    /// Whose wallet.
    pub email: EmailAddress,
    /// Until when, seconds since 1970.
    pub until: i64,
}

fn cipher(secret: &IdSecret, org: &OrgId, mode: Mode) -> Option<LessSafeKey> {
    let key = secret.wallet_key(org, mode);
    Some(LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &key).ok()?))
}

/// What the seal binds beside its content.
fn bound(org: &OrgId, mode: Mode) -> Aad<String> {
    Aad::from(format!("unicreda wallet 1 {org} {mode}"))
}

/// Makes the link to a wallet, good for [`LIFETIME`] from `now`. The same arguments make the
/// same link.
pub fn link(
    site_url: &str,
    secret: &IdSecret,
    org: &OrgId,
    mode: Mode,
    email: &EmailAddress,
    now: Timestamp,
) -> Option<String> {
    let until = now.as_second() + i64::try_from(LIFETIME.as_secs()).ok()?;
    let mut sealed = until.to_be_bytes().to_vec();
    sealed.extend_from_slice(email.as_str().as_bytes());
    // A nonce that follows from the content is used again for that content only.
    let nonce: [u8; NONCE_LEN] = secret.wallet_nonce(&sealed);
    cipher(secret, org, mode)?
        .seal_in_place_append_tag(
            Nonce::assume_unique_for_key(nonce),
            bound(org, mode),
            &mut sealed,
        )
        .ok()?;
    let token = URL_SAFE_NO_PAD.encode([nonce.as_slice(), &sealed].concat());
    Some(format!("{site_url}/wallet/{org}.{mode}.{token}"))
}

/// Whose link it says to be. Nothing of it is proven yet.
fn claimed(token: &str) -> Option<(OrgId, Mode, &str)> {
    let mut parts = token.splitn(3, '.');
    let org = OrgId::parse(parts.next()?).ok()?;
    let mode = match parts.next()? {
        "live" => Mode::Live,
        "test" => Mode::Test,
        _ => return None,
    };
    Some((org, mode, parts.next()?))
}

/// Opens the sealed part of a link; none when it was not sealed by this organization for this
/// mode. Whether it has ended is the caller's question.
pub fn open(secret: &IdSecret, org: &OrgId, mode: Mode, sealed: &str) -> Option<Pass> {
    let mut sealed = URL_SAFE_NO_PAD.decode(sealed).ok()?;
    let (nonce, content) = sealed.split_first_chunk_mut::<NONCE_LEN>()?;
    let nonce = Nonce::assume_unique_for_key(*nonce);
    let content =
        cipher(secret, org, mode)?.open_in_place(nonce, bound(org, mode), content).ok()?;
    let (until, email) = content.split_first_chunk::<8>()?;
    let email = EmailAddress::parse(std::str::from_utf8(email).ok()?).ok()?;
    Some(Pass { email, until: i64::from_be_bytes(*until) })
}

/// `GET /wallet/{token}`: the wallet's page.
///
/// # Errors
/// When the page cannot be written.
pub async fn show(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let lang = call.query("lang").and_then(Lang::from_tag);
    let asked = lang.unwrap_or(call.lang);
    let site_url = &app.config.site_url;
    match read(app, call).await {
        Ok(Some(wallet)) => {
            // The member's own language, unless the page's switch or the browser names one.
            let browser = call.header("accept-language").map(|_| call.lang);
            let own = wallet.member.profile.language;
            let lang = lang.or(browser).or(own).unwrap_or_default();
            html(StatusCode::OK, pages::wallet(&wallet.shown(site_url), lang), lang, site_url)
        }
        Ok(None) => html(StatusCode::NOT_FOUND, pages::wallet_closed(asked), asked, site_url),
        Err(error) => {
            tracing::error!(%error, "wallet not shown");
            html(StatusCode::SERVICE_UNAVAILABLE, pages::unavailable(asked), asked, site_url)
        }
    }
}

/// A wallet as it was read.
struct Wallet {
    organization: std::sync::Arc<Organization>,
    mode: Mode,
    member: Member,
    until: Timestamp,
    entries: Vec<WalletEntry>,
    next: Option<String>,
    later: bool,
}

impl Wallet {
    fn shown<'a>(&'a self, site_url: &'a str) -> WalletPage<'a> {
        WalletPage {
            organization: &self.organization.settings.name,
            logo: self.organization.settings.logo.as_ref(),
            site_url,
            member: self.member.profile.name.as_deref(),
            test: self.mode == Mode::Test,
            until: self.organization.date_of(self.until),
            entries: &self.entries,
            next: self.next.as_deref(),
            later: self.later,
        }
    }
}

/// Reads the wallet that a link opens; none when it opens none: not sealed by us, ended, or its
/// holder no member any more.
async fn read(app: &App, call: &Call) -> Result<Option<Wallet>, StoreError> {
    let token = call.parameter.as_str();
    let Some((org, mode, sealed)) = claimed(token).filter(|_| token.len() <= MAX_TOKEN) else {
        return Ok(None);
    };
    let secret = match app.catalog.id_secret(&org).await {
        Ok(secret) => secret,
        // No such organization.
        Err(StoreError::Broken(_)) => return Ok(None),
        Err(error) => return Err(error),
    };
    let Some(pass) = open(&secret, &org, mode, sealed) else {
        return Ok(None);
    };
    if pass.until < call.now.as_second() {
        return Ok(None);
    }
    let Some(member) = app.catalog.member(&org, &pass.email).await? else {
        return Ok(None);
    };
    let organization = app.catalog.organization(&org).await?;
    let key = identity::email_key(&secret, &org, mode, &pass.email);
    let cursor = call.query("cursor").filter(|cursor| time::is_sort_key(cursor));
    let page = app.credentials.by_email(&key, None, cursor, PAGE).await?;
    let mut entries = Vec::new();
    for credential in app.credentials.get_all(&page.items).await? {
        entries.push(entry(app, &organization, &credential, call.now).await?);
    }
    Ok(Some(Wallet {
        organization,
        mode,
        member,
        until: Timestamp::from_second(pass.until).unwrap_or(Timestamp::MAX),
        entries,
        next: page.next,
        later: cursor.is_some(),
    }))
}

async fn entry(
    app: &App,
    organization: &Organization,
    credential: &Credential,
    now: Timestamp,
) -> Result<WalletEntry, StoreError> {
    let template = app
        .catalog
        .template_version(&credential.org, credential.template_id, credential.template_version)
        .await?
        .ok_or(StoreError::Broken("credential without template".to_owned()))?;
    let issued_on = credential.issued_at.parse::<Timestamp>().ok();
    let issued_on = issued_on.map(|at| organization.date_of(at));
    let last = issued_on.and_then(|on| template.definition.expires_on(on));
    let over = last.is_some_and(|last| last < organization.date_of(now));
    Ok(WalletEntry {
        url: Credential::url(&app.config.site_url, credential.id),
        name: template.definition.name.clone(),
        badge: template.definition.achievement.image.clone(),
        seal: crate::web::seal::seal(
            &credential.template_id.to_string(),
            &crate::web::seal::initials(&organization.settings.name),
        ),
        result: credential.recipient.result_value.clone(),
        issued_on,
        state: match credential.status {
            Status::Issued if over => State::Expired,
            Status::Issued => State::Issued,
            Status::Suspended => State::Suspended,
            Status::Revoked => State::Revoked,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(link: &str) -> (OrgId, Mode, String) {
        let token = link.strip_prefix("https://u.example/wallet/").expect("a link");
        let (org, mode, sealed) = claimed(token).expect("parts");
        (org, mode, sealed.to_owned())
    }

    #[test]
    fn a_link_opens_its_own_wallet_and_no_other() {
        let (secret, other) = (IdSecret::new([7; 32]), IdSecret::new([8; 32]));
        let org = OrgId::parse("demo").expect("an id");
        let email = EmailAddress::parse("ana@ejemplo.com").expect("an address");
        let now = "2026-11-24T10:00:00Z".parse().expect("an instant");
        let made = link("https://u.example", &secret, &org, Mode::Live, &email, now);
        let made = made.expect("a link");
        assert!(!made.contains("ana") && made.len() < 200, "{made}");
        let (_, _, sealed) = parts(&made);
        let until = "2026-12-24T10:00:00Z".parse::<Timestamp>().expect("an instant").as_second();
        assert_eq!(open(&secret, &org, Mode::Live, &sealed), Some(Pass { email, until }));

        let neighbour = OrgId::parse("other").expect("an id");
        assert_eq!(open(&secret, &org, Mode::Test, &sealed), None);
        assert_eq!(open(&secret, &neighbour, Mode::Live, &sealed), None);
        assert_eq!(open(&other, &org, Mode::Live, &sealed), None);
        for place in 0..sealed.len() {
            let mut changed = sealed.clone().into_bytes();
            changed[place] = if changed[place] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).expect("text");
            assert_eq!(open(&secret, &org, Mode::Live, &changed), None, "{place}");
        }
        for text in ["", "A", "demo.live.", "..", &sealed[..20]] {
            assert_eq!(open(&secret, &org, Mode::Live, text), None);
        }
    }
}
