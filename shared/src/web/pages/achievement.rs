//! The page of an achievement: what it is, what it asks for, and the skills and standards that it covers.

use maud::{Markup, html};

use super::frame::{Frame, badge};
use crate::{
    document::achievement::type_name,
    domain::{
        achievement::Alignment, image::Image, lang::Lang, recipient::normal_url,
        template::Definition,
    },
};

/// The content of an achievement's page.
pub struct AchievementPage<'a> {
    /// The organization's name.
    pub organization: &'a str,
    /// The organization's logo.
    pub logo: Option<&'a Image>,
    /// The inside of its seal, for an achievement without a badge.
    pub seal: &'a str,
    /// The id of the achievement: the address of the page.
    pub id: &'a str,
    /// The version that is shown.
    pub version: u32,
    /// The newest version, if that is another.
    pub newest: Option<u32>,
    /// Whether nothing new is issued for it.
    pub archived: bool,
    /// Its content.
    pub definition: &'a Definition,
}

/// Renders the page of an achievement: a whole HTML document.
pub fn achievement(shown: &AchievementPage<'_>, site_url: &str, lang: Lang) -> String {
    let d = shown.definition;
    let title = format!("{} · {}", d.name, shown.organization);
    let main = html! {
        article.card {
            @if let Some(newest) = shown.newest {
                div.state.trial { p {
                    (lang.texts().achievement.version_shown) (shown.version)
                    (lang.texts().achievement.version_newest)
                    a href={ (shown.id) "?lang=" (lang.tag()) } { (newest) } "."
                } }
            }
            @if shown.archived {
                div.state.trial { p { (lang.texts().achievement.archived) } }
            }
            div.body {
                div.hero {
                    div.words {
                        h1 dir="auto" { (d.name) }
                        p.label { (lang.texts().achievement.awarded_by) }
                        p.giver dir="auto" { (shown.organization) }
                    }
                    (badge(d.achievement.image.as_ref(), shown.seal, site_url))
                }
                (facts(d, lang))
                section { h2.h2 { (lang.texts().page.description) } p.prose dir="auto" { (d.description) } }
                @if d.achievement.criteria.is_some() || d.achievement.criteria_url.is_some() {
                    section id="criteria" {
                        h2.h2 { (lang.texts().page.criteria) }
                        @if let Some(criteria) = &d.achievement.criteria { p.prose dir="auto" { (criteria) } }
                        @if let Some(url) = &d.achievement.criteria_url {
                            p { a href=(url) rel="noopener noreferrer nofollow" { (url) } }
                        }
                    }
                }
                (skills(&d.achievement.alignments, lang))
            }
        }
    };
    let foot = html! {
        p { (lang.texts().achievement.address) a href=(shown.id) { (shown.id) } }
        p { (lang.texts().achievement.version) (shown.version) " · "
            a href={ (shown.id) ".json?version=" (shown.version) } type="application/json" { "JSON" } }
    };
    let query = shown.newest.map(|_| format!("version={}", shown.version));
    let frame = Frame {
        organization: Some((shown.organization, shown.logo)),
        site_url,
        query,
        ..Frame::of(lang, &title)
    };
    frame.around(&main, Some(&foot))
}

fn facts(d: &Definition, lang: Lang) -> Markup {
    let a = &d.achievement;
    let tags = (!a.tags.is_empty()).then(|| a.tags.join(" · "));
    let facts = [
        (
            lang.texts().achievement.kind,
            a.kind.as_deref().map(|kind| type_name(kind, lang).to_owned()),
        ),
        (lang.texts().achievement.code, a.human_code.clone()),
        (lang.texts().achievement.field_of_study, a.field_of_study.clone()),
        (lang.texts().achievement.specialization, a.specialization.clone()),
        (
            lang.texts().achievement.credits,
            a.credits_available.map(|credits| lang.decimal(credits)),
        ),
        (lang.texts().achievement.tags, tags),
    ];
    html! {
        dl.facts {
            @for (name, value) in facts {
                @if let Some(value) = value { div { dt { (name) } dd { bdi { (value) } } } }
            }
        }
    }
}

/// Renders the skills and standards of an achievement, each with the place where its framework
/// describes it.
pub(super) fn skills(alignments: &[Alignment], lang: Lang) -> Markup {
    html! {
        @if !alignments.is_empty() {
            section {
                h2.h2 { (lang.texts().page.skills) }
                ul.skills {
                    @for (alignment, number) in alignments.iter().zip(1..) {
                        @let link = normal_url(&alignment.url);
                        @let place: Vec<&str> =
                            [&alignment.framework, &alignment.code].into_iter().flatten().map(String::as_str).collect();
                        li id={ "alignment-" (number) } {
                            @match link {
                                Some(link) => a href=(link) rel="noopener noreferrer nofollow" dir="auto" { (alignment.name) },
                                None => span dir="auto" { (alignment.name) },
                            }
                            @if !place.is_empty() { span.host { " · " bdi { (place.join(" ")) } } }
                            @if let Some(text) = &alignment.description { p.prose dir="auto" { (text) } }
                        }
                    }
                }
            }
        }
    }
}
