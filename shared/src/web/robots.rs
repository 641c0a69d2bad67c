//! `robots.txt`: crawlers are told no.
//!
//! Two kinds are let in to the pages of credentials. Programs that fetch the preview of a link act for
//! a person who pasted it, and those of Facebook, LinkedIn and X obey this file. Search engines that obey
//! `noindex` have to fetch a page to read it there, as every answer says it in `X-Robots-Tag`: one that is
//! kept out lists the bare address of what others link to, for ever, also after the page is gone.

use http::Response;
use lambda_http::Body;
use url::Url;

use crate::{
    app::App,
    http::{problem::Problem, serve::Call},
    web::respond,
};

/// Programs that fetch the preview of a link which a person pasted.
const PREVIEWS: [&str; 12] = [
    "facebookexternalhit",
    "Facebot",
    "LinkedInBot",
    "Twitterbot",
    "WhatsApp",
    "Slackbot",
    "Slackbot-LinkExpanding",
    "Slack-ImgProxy",
    "TelegramBot",
    "Discordbot",
    "SkypeUriPreview",
    "redditbot",
];

/// Search engines whose documentation says that they obey `noindex`.
const OBEY_NOINDEX: [&str; 5] = ["Googlebot", "bingbot", "DuckDuckBot", "Applebot", "YandexBot"];

/// Names by which those same companies ask whether a page may train a model. They have a group of their
/// own, so that none of them falls under that of its search engine.
const TRAINING: [&str; 2] = ["Google-Extended", "Applebot-Extended"];

/// `GET /robots.txt`.
///
/// # Errors
/// `internal` when the hash of the text fits no header.
pub fn show(app: &App, call: &Call) -> Result<Response<Body>, Problem> {
    let text = robots_txt(&app.config.site_url);
    respond::cached(call, text.into_bytes(), "text/plain; charset=utf-8")
}

/// Writes the file for a site. Its paths begin with that of the site, since the file counts at the
/// root of a host alone.
fn robots_txt(site_url: &str) -> String {
    let path = Url::parse(site_url).map(|url| url.path().to_owned()).unwrap_or_default();
    let root = path.trim_end_matches('/');
    let group = |agents: &[&str], rules: &[String]| {
        let agents = agents.iter().map(|agent| format!("User-agent: {agent}\n"));
        let rules = rules.iter().map(|rule| format!("{rule}\n"));
        agents.chain(rules).collect::<String>()
    };
    let no = format!("Disallow: {root}/");
    let pages = format!("Allow: {root}/credential/");
    let images = format!("Allow: {root}/images/");
    [
        "# Credentials of people: not for indexes, archives or models.\n".to_owned(),
        "# A link that a person pasted may be previewed.\n".to_owned()
            + &group(&PREVIEWS, &[pages.clone(), images, no.clone()]),
        "# Each page says noindex to whoever obeys it.\n".to_owned()
            + &group(&OBEY_NOINDEX, &[pages, no.clone()]),
        group(&TRAINING, std::slice::from_ref(&no)),
        group(&["*"], &[no]),
    ]
    .join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_site_below_a_path_names_its_own_paths() {
        let text = robots_txt("https://u.edu/creds");
        assert!(text.contains("Allow: /creds/credential/\n"), "{text}");
        assert!(text.ends_with("\nUser-agent: *\nDisallow: /creds/\n"), "{text}");
        assert!(robots_txt("https://u.edu").ends_with("\nUser-agent: *\nDisallow: /\n"));
    }
}
