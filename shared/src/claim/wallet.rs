//! `/wallet`: whoever lost the link to their wallet asks for a mail with new ones.

use http::{HeaderValue, Response, StatusCode, header};
use lambda_http::Body;
use uuid::Uuid;

use crate::{
    app::App,
    aws::sqs::{self, Outgoing},
    domain::{email::EmailAddress, lang::Lang},
    http::{problem::Problem, serve::Call},
    jobs::messages::{MESSAGE_VERSION, Message, WalletsMessage},
    web::{
        pages::{self, LostLink},
        respond::html,
    },
};

/// Largest form, in bytes: an address has 254.
const MAX_FORM: usize = 4 * 1024;
/// The fair-queue group of these messages: however many they are, mail of credentials does not wait for them.
const GROUP: &str = "claim";

/// `GET /wallet`: the form; without a sender of the site, whom to ask.
///
/// # Errors
/// `internal` when the site's address fits no header.
pub fn form(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let page = if app.config.site_sender.is_some() { LostLink::Form } else { LostLink::NoSender };
    answer(app, call, StatusCode::OK, page)
}

/// `POST /wallet`: queues a mail with the links of an address. The answer is the same whether the site knows the
/// address or not. Sent again, it is another request, within the limits of the consumer.
///
/// # Errors
/// `internal` when the site's address fits no header.
pub async fn ask(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    if app.config.site_sender.is_none() {
        return answer(app, call, StatusCode::SERVICE_UNAVAILABLE, LostLink::NoSender);
    }
    if call.body.len() > MAX_FORM || !call.is_of(&["application/x-www-form-urlencoded"]) {
        return answer(app, call, StatusCode::BAD_REQUEST, LostLink::NoAddress);
    }
    let mut fields = url::form_urlencoded::parse(&call.body);
    let email = fields.find(|(name, _)| name == "email").map(|(_, email)| email.into_owned());
    let email = email.and_then(|email| EmailAddress::parse(email.trim()).ok());
    let Some(email) = email else {
        return answer(app, call, StatusCode::BAD_REQUEST, LostLink::NoAddress);
    };
    let message = Message::Wallets(Box::new(WalletsMessage {
        v: MESSAGE_VERSION,
        id: Uuid::new_v4(),
        asked_at: call.now.as_second(),
        email,
        network: call.network.clone(),
        lang: language(call),
    }));
    let queued = match Outgoing::new(&message, GROUP.to_owned()) {
        Ok(message) => {
            let sent = sqs::send_all(&app.sqs, &app.config.mail_queue_url, &[message]).await;
            sent.all().map_err(|error| error.to_string())
        }
        Err(error) => Err(error.to_string()),
    };
    match queued {
        Ok(()) => answer(app, call, StatusCode::OK, LostLink::Asked),
        Err(error) => {
            tracing::error!(error, "request for wallets not queued");
            answer(app, call, StatusCode::SERVICE_UNAVAILABLE, LostLink::Unavailable)
        }
    }
}

fn language(call: &Call) -> Lang {
    call.page_lang()
}

fn answer(
    app: &App,
    call: &Call,
    status: StatusCode,
    page: LostLink,
) -> Result<Response<Body>, Problem> {
    let (lang, site_url) = (language(call), &app.config.site_url);
    let mut response = html(status, pages::lost_link(page, site_url, lang), lang, site_url)?;
    let policy = HeaderValue::from_str(&pages::form_security_policy(site_url));
    response
        .headers_mut()
        .insert(header::CONTENT_SECURITY_POLICY, policy.map_err(Problem::internal)?);
    Ok(response)
}
