//! Designs of certificates: `domain::design`.

use serde_json::{Value, json};
use unicreda::domain::{
    design::{
        BackdropKind, Layout, MAX_LABEL, MAX_LEGAL, MAX_LEGAL_LINE, MAX_PLACE, MAX_SIGNATORIES,
        MAX_SIGNATORY, Orientation, Paper,
    },
    lang::Lang,
};

use crate::schema::{
    Member, about, closed, flag, has, instant, language, like, list, list_of, may, null_or, of,
    of_members, one_of, sent, string, text, uri, word,
};

/// The components of this file.
pub fn schemas() -> Vec<(&'static str, Value)> {
    vec![
        ("DesignInput", design_input()),
        ("Design", design(true)),
        ("TemplateDesign", design(false)),
        ("Fact", fact()),
        ("PreviewRequest", preview_request()),
    ]
}

/// The members that requests and answers have.
fn shared() -> Vec<Member> {
    vec![
        may("layout", null_or(word(Layout::ALL.iter().map(|layout| layout.as_str())))),
        may("paper", null_or(word(Paper::ALL.iter().map(|paper| paper.as_str())))),
        may("orientation", null_or(word(Orientation::ALL.iter().map(|way| way.as_str())))),
        may(
            "accent",
            null_or(like("#1f3a5f", json!({ "type": "string", "pattern": "^#[0-9A-Fa-f]{6}$" }))),
        ),
        may("logo", null_or(about("Whether the organization's logo is shown.", flag()))),
        may(
            "facts",
            null_or(about("Which facts in which order; absent for all.", list(of("Fact")))),
        ),
        may("second_language", null_or(language())),
        may("place", null_or(text(MAX_PLACE))),
        may("legal", null_or(list_of(0, MAX_LEGAL, text(MAX_LEGAL_LINE)))),
    ]
}

fn backdrops(schema: &Value) -> impl Iterator<Item = Member> {
    BackdropKind::ALL.iter().map(|kind| may(kind.as_str(), schema.clone()))
}

fn design_input() -> Value {
    let signatory = sent([
        has("name", text(MAX_SIGNATORY)),
        may("office", null_or(text(MAX_SIGNATORY))),
        may("signature", of("ImageInput")),
    ]);
    let mut members = shared();
    members.push(may("signatories", null_or(list_of(0, MAX_SIGNATORIES, signatory))));
    members.extend(backdrops(&of("ImageInput")));
    members.push(may("since", about("Of an answer; not read.", json!({}))));
    let example = json!({
        "layout": "academic", "accent": "#1f3a5f", "place": "Valdivia",
        "signatories": [{ "name": "Elena Soto", "office": "Rectora" }],
    });
    like(example, closed(of_members(members)))
}

/// `DesignPart::answer`; the organization's has `since`.
fn design(of_organization: bool) -> Value {
    let signatory = crate::schema::object([
        has("name", string()),
        has("office", null_or(string())),
        has("signature", null_or(uri())),
    ]);
    let mut members = shared();
    members.push(may("signatories", list(signatory)));
    members.extend(backdrops(&null_or(uri())));
    if of_organization {
        let since = "The second from which it is in force; null if none was saved.";
        members.push(has("since", about(since, null_or(instant()))));
    }
    of_members(members)
}

/// `FactLine`: a name, or one with labels of its own.
fn fact() -> Value {
    let texts = Lang::ALL.map(|lang| may(lang.tag(), null_or(text(MAX_LABEL))));
    let label = closed(of_members(texts.into()));
    one_of([
        like("result_value", string()),
        sent([has("fact", string()), may("label", null_or(label))]),
    ])
}

fn preview_request() -> Value {
    like(
        json!({}),
        sent([
            may("design", null_or(of("DesignInput"))),
            may("recipient", null_or(of("Recipient"))),
        ]),
    )
}
