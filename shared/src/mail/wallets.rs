//! The mail to whoever asks for the links to their wallets: looked up here, where the secrets are, out of sight of
//! who asks.
//!
//! Of every organization of the site with credentials for the address, or a membership, it has a link. Nobody
//! is told that an address is not known, suppressed or erased: nothing is sent, and nothing is answered.
//!
//! Limits hold for an address and for a network, counted in sets of requests, so that a message that comes
//! twice counts once. One request is one mail at most: it is marked as sent before SES has it, and a mail
//! whose outcome is in doubt is not sent again, as its person can ask again.

use std::time::{Duration, Instant};

use futures::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;

use crate::{
    app::App,
    aws::{
        ses::{HandOver, SesVerdict},
        sqs,
    },
    domain::{
        claim_limit::{self, Counted},
        email::EmailAddress,
        identity,
        ids::{Mode, OrgId},
        tenant::Tenant,
        undelivered::Undelivered,
        wallet_link::{self, WalletOf},
    },
    jobs::messages::{Delivered, Report, WalletsMessage},
    mail::wallet_letter::{self, Link, WalletLetter},
    store::StoreError,
};

/// Requests answered at once.
const CONCURRENCY: usize = 4;
/// Organizations looked up at once.
const LOOKUPS: usize = 8;
/// Wait of a mail that SES does not take for now, or for which a batch has no time left.
const LATER: Duration = Duration::from_secs(60);

/// How a request ended.
enum Outcome {
    /// It got its mail.
    Mailed,
    /// It gets none.
    Nothing,
    /// It comes back after [`LATER`].
    Later,
}

/// Answers the requests of a batch.
pub async fn send_wallets(
    app: &App,
    asked: Vec<(Delivered, WalletsMessage)>,
    stop: Instant,
    report: &mut Report,
) {
    let done: Vec<(Delivered, Result<Outcome, StoreError>)> = stream::iter(asked)
        .map(|(message, asked)| async move { (message, answer(app, &asked, stop).await) })
        .buffer_unordered(CONCURRENCY)
        .collect()
        .await;
    for (message, outcome) in done {
        match outcome {
            Ok(Outcome::Mailed) => report.mailed += 1,
            Ok(Outcome::Nothing) => {}
            Ok(Outcome::Later) => {
                report.mail_deferred += 1;
                let url = &app.config.mail_queue_url;
                if !sqs::hide(&app.sqs, url, &message.receipt, LATER).await {
                    tracing::warn!(message_id = message.id, "visibility not changed");
                }
                report.retry.push(message.id);
            }
            Err(error) => {
                tracing::error!(%error, message_id = message.id, "wallets not looked up");
                report.retry.push(message.id);
            }
        }
    }
}

async fn answer(app: &App, asked: &WalletsMessage, stop: Instant) -> Result<Outcome, StoreError> {
    let now = app.clock.now();
    let Some(sender) = &app.config.site_sender else { return Ok(Outcome::Nothing) };
    // It is counted where it was asked, however late its message comes, so that it is one request. What is counted
    // is kept longer than that.
    let Ok(asked_at) = Timestamp::from_second(asked.asked_at) else { return Ok(Outcome::Nothing) };
    if now.as_second() - asked.asked_at > claim_limit::ANSWERED_WITHIN {
        return Ok(Outcome::Nothing);
    }
    let secret = app.claims.secret(asked_at).await?;
    if !may_look_up(app, asked, &secret, asked_at).await? {
        return Ok(Outcome::Nothing);
    }
    let Some(links) = links(app, &asked.email, now).await? else { return Ok(Outcome::Nothing) };
    let Some(address) = count_mail(app, asked, &secret, asked_at).await? else {
        return Ok(Outcome::Nothing);
    };
    let id = asked.id.to_string();
    let letter = WalletLetter {
        id: asked.id,
        sender,
        to: &asked.email,
        links: &links,
        site_url: &app.config.site_url,
        lang: asked.lang,
        now,
    };
    let mime = wallet_letter::render(&letter).map_err(|e| StoreError::Broken(e.to_string()))?;
    let call = HandOver::of_site(
        &app.ses,
        sender,
        &asked.email,
        app.config.ses_configuration_set.clone(),
        mime,
    );
    let call = call.map_err(|error| StoreError::Broken(error.to_string()))?;
    if !app.rate_limiter.turn(stop).await {
        return Ok(Outcome::Later);
    }
    if !app.claims.spend(&address, &id).await? {
        return Ok(Outcome::Nothing);
    }
    match call.send().await {
        Ok(()) => Ok(Outcome::Mailed),
        Err(SesVerdict::NotAccepted(reason)) => {
            tracing::warn!(reason, "SES refused a mail for now");
            app.claims.give_back(&address, &id).await?;
            Ok(Outcome::Later)
        }
        Err(SesVerdict::InDoubt(reason)) => {
            tracing::warn!(reason, "mail in doubt");
            Ok(Outcome::Nothing)
        }
        Err(SesVerdict::Refused(_)) => Ok(Outcome::Nothing),
    }
}

/// Counts a request as one that is looked up; false beyond the limit of its network. The first letters of its
/// id are enough for so few, and keep the item small.
async fn may_look_up(
    app: &App,
    asked: &WalletsMessage,
    secret: &[u8],
    asked_at: Timestamp,
) -> Result<bool, StoreError> {
    let Some(network) = &asked.network else { return Ok(true) };
    let lookups = Counted::Lookups(network).key(secret, asked_at);
    let id: String = asked.id.simple().to_string().chars().take(8).collect();
    app.claims.count(&lookups, &id, claim_limit::LOOKUPS, asked_at).await
}

/// Counts a request that leads to a mail, for its address and its network. Returns the key of the address; `None`
/// beyond a limit. The address comes first, so that whoever asks for one over and over uses up no network;
/// what its network refuses is taken from the address again.
async fn count_mail(
    app: &App,
    asked: &WalletsMessage,
    secret: &[u8],
    asked_at: Timestamp,
) -> Result<Option<String>, StoreError> {
    let id = asked.id.to_string();
    let address = Counted::Address(&asked.email).key(secret, asked_at);
    if !app.claims.count(&address, &id, claim_limit::ADDRESS, asked_at).await? {
        return Ok(None);
    }
    if let Some(network) = &asked.network {
        let network = Counted::Network(network).key(secret, asked_at);
        if !app.claims.count(&network, &id, claim_limit::NETWORK, asked_at).await? {
            app.claims.forget(&address, &id).await?;
            return Ok(None);
        }
    }
    Ok(Some(address))
}

/// The links of an address, by the names of their organizations; `None` if there is none, or if mail to the address
/// is suppressed anywhere.
async fn links(
    app: &App,
    email: &EmailAddress,
    now: Timestamp,
) -> Result<Option<Vec<Link>>, StoreError> {
    let names = app.catalog.names().await?;
    let found: Vec<Found> = stream::iter(names)
        .map(|(org, name)| async move { link(app, &org, name, email, now).await })
        .buffer_unordered(LOOKUPS)
        .try_collect()
        .await?;
    let mut links = Vec::new();
    for found in found {
        match found {
            Found::Link(link) => links.push(link),
            Found::Nothing => {}
            Found::Suppressed => return Ok(None),
        }
    }
    links.sort_by(|a, b| (&a.organization, &a.url).cmp(&(&b.organization, &b.url)));
    Ok((!links.is_empty()).then_some(links))
}

/// What an organization has for an address.
enum Found {
    Link(Link),
    Nothing,
    Suppressed,
}

async fn link(
    app: &App,
    org: &OrgId,
    organization: String,
    email: &EmailAddress,
    now: Timestamp,
) -> Result<Found, StoreError> {
    let (site_url, mode) = (&app.config.site_url, Mode::Live);
    let tenant = Tenant { org, mode };
    match app.catalog.why_suppressed(tenant, email).await? {
        // Erased here; what another organization has is theirs.
        Some(Undelivered::ErasedAddress) => return Ok(Found::Nothing),
        Some(_) => return Ok(Found::Suppressed),
        None => {}
    }
    let secret = app.catalog.id_secret(org).await?;
    let key = identity::email_key(&secret, org, mode, email);
    let has = !app.credentials.by_email(&key, None, None, 1).await?.items.is_empty()
        || app.catalog.member(org, email).await?.is_some();
    let url =
        has.then(|| wallet_link::link(WalletOf::Holder, site_url, &secret, tenant, email, now));
    Ok(match url.flatten() {
        Some(url) => Found::Link(Link { organization, url }),
        None => Found::Nothing,
    })
}
